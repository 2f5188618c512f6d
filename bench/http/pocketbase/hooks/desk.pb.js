// The hooks of the peer: what guests/desk does.

routerAdd("POST", "/desk/receipt", (e) => {
  const order = e.requestInfo().body;
  let total = 0;
  for (const item of order.items) {
    total += item.quantity * item.price;
  }
  return e.json(200, { order: order.order, items: order.items.length, total: total });
});

routerAdd("POST", "/desk/contacts", (e) => {
  const record = new Record($app.findCachedCollectionByNameOrId("contacts"), e.requestInfo().body);
  $app.save(record);
  return e.json(201, record);
});

routerAdd("POST", "/desk/arrivals", (e) => {
  const record = new Record($app.findCachedCollectionByNameOrId("arrivals"), e.requestInfo().body);
  $app.save(record);
  return e.json(201, record);
});
