variable "secret" {
  sensitive = true
  default   = "s3"
}
variable "rev" { default = 1 }
resource "terraform_data" "marks" {
  input = { list = ["a", var.secret], map = { "a b" = var.secret, plain = 1 }, deep = [{ x = [1, { "k\"ey" = var.secret }] }], strings = tomap({ "a b" = var.secret, plain = "x" }), n = 1e300, neg = -0.5 }
}
resource "terraform_data" "whole" {
  input = var.secret
}
resource "terraform_data" "keys" {
  for_each = toset(["a b", "q\"uote", "back\\slash", "line\nend", "tab\t", "cr\r", "dollar$${x}", "per%%{x}", "$", "$$", "$$$${", "\u0001", "\u007f", "\u00a0", "\u200b", "\u202e", "ключ", "e\u0301", "\U0001F600", "\U0001FAE8", "\ue000", "\u2028", "\U000E0041", "\U0010FFFF", "", "\u0085", "\u00ad", "a/b", "<&>"])
  input    = each.key
}
resource "terraform_data" "counted" {
  count = 3
  input = count.index
}
resource "terraform_data" "cbd" {
  input            = "x"
  triggers_replace = var.rev
  lifecycle { create_before_destroy = true }
  provisioner "local-exec" {
    when    = destroy
    command = "false"
  }
}
resource "terraform_data" "tainted" {
  triggers_replace = var.rev
  provisioner "local-exec" { command = "false" }
  depends_on = [terraform_data.cbd]
}
data "terraform_remote_state" "other" {
  backend = "local"
  config  = { path = "${path.module}/other.tfstate" }
}
module "m" {
  for_each = toset(["a", "k\"e.y[0]", "module.x"])
  source   = "./inner"
  name     = each.key
}
output "o" { value = [1, null, "x", { a = terraform_data.counted[*].output }] }
output "s" {
  value     = var.secret
  sensitive = true
}
check "c" {
  assert {
    condition     = var.rev < 2
    error_message = "x \"too large\""
  }
}
