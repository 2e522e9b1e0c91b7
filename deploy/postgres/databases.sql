-- The image makes the database mlflow; Prefect has one of its own.
CREATE DATABASE prefect;
