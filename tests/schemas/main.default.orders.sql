CREATE TABLE main.default.orders (
  items ARRAY<STRUCT<price: STRUCT<amount: DECIMAL(10,2), currency: CHAR(3)>>>,
  by_name MAP<STRING, STRUCT<price: STRUCT<currency: CHAR(3), amount: DECIMAL(10,2)>>>,
  by_code MAP<VARCHAR(3), INT>
);
