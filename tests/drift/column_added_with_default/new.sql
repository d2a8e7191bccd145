CREATE TABLE main.default.t (
  id BIGINT,
  kind STRING DEFAULT 'none'
);
