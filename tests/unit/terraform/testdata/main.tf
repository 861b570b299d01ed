variable "token" {
  type      = string
  sensitive = true
  default   = "planted-secret-4711"
}

variable "size" {
  default = 10
}

resource "terraform_data" "kept" {
  input = { size = 0.1, huge = 123456789012345678901234567890, list = [1, 2.5, true, null, "text"] }
}

resource "terraform_data" "changed" {
  input = { size = var.size, secret = var.token }
}

resource "terraform_data" "replaced" {
  input            = "same"
  triggers_replace = [var.size]
}

resource "terraform_data" "removed" {
  count = var.size == 10 ? 2 : 0
  input = count.index
}

resource "terraform_data" "added" {
  count = var.size == 10 ? 0 : 1
  input = terraform_data.changed.output
}

module "inner" {
  source = "./inner"
  name   = "module"
}

output "token" {
  value     = var.token
  sensitive = true
}

output "size" {
  value = var.size
}

check "size" {
  assert {
    condition     = var.size < 100
    error_message = "too large"
  }
}
