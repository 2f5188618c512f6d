// The collections of the peer: the tables of guests/desk, open to everybody.
migrate((app) => {
  for (const name of ["contacts", "arrivals"]) {
    app.save(new Collection({
      name: name,
      type: "base",
      listRule: "",
      fields: [
        { name: "email", type: "email", required: true },
        { name: "name", type: "text", required: true, max: 200 },
        { name: "phone", type: "text", max: 40 },
        { name: "lifecycle", type: "select", values: ["lead", "prospect", "customer", "churned"] },
        { name: "source", type: "text", max: 80 },
        { name: "created", type: "autodate", onCreate: true },
        { name: "updated", type: "autodate", onCreate: true, onUpdate: true },
      ],
      indexes: [
        `CREATE UNIQUE INDEX ${name}_email ON ${name} (email)`,
        `CREATE INDEX ${name}_name ON ${name} (name)`,
        `CREATE INDEX ${name}_lifecycle ON ${name} (lifecycle)`,
        `CREATE INDEX ${name}_source ON ${name} (source)`,
      ],
    }));
  }
});
