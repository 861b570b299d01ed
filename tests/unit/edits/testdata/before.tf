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
  allocated_storage       = 20
  deletion_protection     = true
  backup_retention_period = 7
  password                = "correct-horse-battery-staple"
}
resource "aws_db_instance" "scratch" {
  identifier          = "courses-scratch"
  engine              = "postgres"
  allocated_storage   = 5
  skip_final_snapshot = true
  password            = "another-secret-word"
}
output "endpoint" {
  value = aws_db_instance.production.endpoint
}
