resource "terraform_data" "only" {}
resource "terraform_data" "_odd-name1" {}
