-- Orders: carts, orders, lines, history.
select 1;
