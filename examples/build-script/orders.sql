CREATE TABLE main.shop.orders (
  id BIGINT NOT NULL,
  placed_at TIMESTAMP NOT NULL COMMENT 'when the customer pressed the button',
  customer STRUCT<name: STRING NOT NULL, country: CHAR(2)> NOT NULL,
  items ARRAY<STRUCT<sku: STRING NOT NULL, count: INT NOT NULL, price: DECIMAL(10,2) NOT NULL>>,
  note VARCHAR(200),
  settled_on DATE
);
