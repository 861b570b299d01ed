variable "name" {}
resource "terraform_data" "item" {
  count = 2
  input = var.name
}
module "deep" {
  source = "./deep"
  count  = 2
}
