terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = "5.99.0" }
  }
}
provider "aws" {
  region = "eu-west-1"
}
resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
}
resource "aws_db_instance" "production" {
  identifier              = "courses-prod"
  engine                  = "postgres"
  allocated_storage       = 30
  deletion_protection     = true
  backup_retention_period = 7
  password                = "correct-horse-battery-staple"
}
output "endpoint" {
  value = aws_db_instance.production.endpoint
}
