variable "name" {
  type = string
}

resource "terraform_data" "item" {
  for_each = toset(["one", "odd \"key\"", "ключ"])
  input    = "${var.name}-${each.key}"
}

output "ids" {
  value = { for key, item in terraform_data.item : key => item.id }
}
