#include "core/terraform/plan_view.h"
