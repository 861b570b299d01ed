#include "core/finding/judge.h"
