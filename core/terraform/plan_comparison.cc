#include "core/terraform/plan_comparison.h"
