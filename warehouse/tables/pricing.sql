-- One row: the current price of quota, from analysis.toml.
--
-- quota_per_unit: how much quota is one unit; 500,000 unless the gateway is configured otherwise
-- price: what one unit costs, in currency
-- currency: the currency of the price
create table if not exists pricing (
    quota_per_unit double,
    price double,
    currency varchar
);
