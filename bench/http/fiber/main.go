// Command fiber is the limit: what guests/desk does, written by hand in Go on
// Fiber, without users, workspaces, plans, events, plugins or WebAssembly.
//
//	fiber --sqlite FILE
//	fiber --postgres URL
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/mail"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"
)

// person is a row of either table, and its JSON.
type person struct {
	ID        string    `json:"id"`
	Created   time.Time `json:"createdAt"`
	Updated   time.Time `json:"updatedAt"`
	Email     string    `json:"email"`
	Name      string    `json:"name"`
	Phone     string    `json:"phone,omitempty"`
	Lifecycle string    `json:"lifecycle"`
	Source    string    `json:"source,omitempty"`
}

// people is where they are kept. A table is "contacts" or "arrivals".
type people interface {
	insert(ctx context.Context, table string, p person) error
	// first returns the first in the order they were added.
	first(ctx context.Context, table string, limit int) ([]person, error)
}

// schema makes a table, on SQLite and Postgres alike.
const schema = `CREATE TABLE %[1]s (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, phone TEXT NOT NULL,
	lifecycle TEXT NOT NULL, source TEXT NOT NULL, created BIGINT NOT NULL, updated BIGINT NOT NULL);
	CREATE INDEX %[1]s_name ON %[1]s (name);
	CREATE INDEX %[1]s_lifecycle ON %[1]s (lifecycle);
	CREATE INDEX %[1]s_source ON %[1]s (source);`

var tables = []string{"contacts", "arrivals"}

func main() {
	file := flag.String("sqlite", "", "`file` of a new database")
	address := flag.String("postgres", "", "`URL` of an empty database")
	flag.Parse()
	if err := serve(*file, *address); err != nil {
		log.Fatal(err)
	}
}

func serve(file, address string) (err error) {
	var kept people
	if address != "" {
		kept, err = openPostgres(context.Background(), address)
	} else {
		kept, err = openSQLite(file)
	}
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("serves http://%s\n", listener.Addr())
	return handlers(kept).Listener(listener)
}

func handlers(kept people) *fiber.App {
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Post("/receipt", receipt)
	for _, table := range tables {
		app.Post("/"+table, func(c *fiber.Ctx) error {
			p, err := read(c)
			if err != nil {
				return err
			}
			if err := kept.insert(c.Context(), table, p); err != nil {
				return err
			}
			return c.Status(fiber.StatusCreated).JSON(p)
		})
	}
	app.Get("/contacts", func(c *fiber.Ctx) error {
		list, err := kept.first(c.Context(), "contacts", c.QueryInt("limit", 20))
		if err != nil {
			return err
		}
		return c.JSON(fiber.Map{"data": list})
	})
	return app
}

// read decodes and checks what is to be inserted.
func read(c *fiber.Ctx) (person, error) {
	var p person
	if err := c.BodyParser(&p); err != nil {
		return p, err
	}
	if p.Lifecycle == "" {
		p.Lifecycle = "lead"
	}
	_, wrong := mail.ParseAddress(p.Email)
	switch {
	case wrong != nil || len(p.Email) > 254:
		return p, invalid("email")
	case p.Name == "" || len(p.Name) > 200:
		return p, invalid("name")
	case len(p.Phone) > 40:
		return p, invalid("phone")
	case !slices.Contains([]string{"lead", "prospect", "customer", "churned"}, p.Lifecycle):
		return p, invalid("lifecycle")
	case len(p.Source) > 80:
		return p, invalid("source")
	}
	id, err := uuid.NewV7()
	p.ID, p.Created = id.String(), time.Now().UTC().Truncate(time.Microsecond)
	p.Updated = p.Created
	return p, err
}

func invalid(field string) error {
	return fiber.NewError(fiber.StatusUnprocessableEntity, field+" is not valid")
}

func receipt(c *fiber.Ctx) error {
	var order struct {
		Order string `json:"order"`
		Email string `json:"email"`
		Items []struct {
			SKU      string `json:"sku"`
			Quantity int    `json:"quantity"`
			Price    int    `json:"price"`
		} `json:"items"`
	}
	if err := c.BodyParser(&order); err != nil {
		return errors.Join(fiber.ErrBadRequest, err)
	}
	total := 0
	for _, item := range order.Items {
		total += item.Quantity * item.Price
	}
	return c.JSON(struct {
		Order string `json:"order"`
		Items int    `json:"items"`
		Total int    `json:"total"`
	}{order.Order, len(order.Items), total})
}
