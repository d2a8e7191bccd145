CREATE TABLE main.default.computed (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  amount BIGINT NOT NULL,
  doubled BIGINT GENERATED ALWAYS AS (amount * 2)
);
