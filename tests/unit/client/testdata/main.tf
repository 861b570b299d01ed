resource "terraform_data" "base" {
  input = "base"
}

resource "terraform_data" "courses" {
  count = 2
  input = "course ${count.index}"
}
