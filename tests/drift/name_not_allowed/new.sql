CREATE TABLE main.default.t (
  id BIGINT,
  `what now` STRING,
  `größe` INT
);
