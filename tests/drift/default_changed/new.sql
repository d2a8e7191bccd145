CREATE TABLE main.default.t (
  kind STRING DEFAULT 'other'
);
