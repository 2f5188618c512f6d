// Command pocketbase is PocketBase with its JavaScript hooks, as its own binary
// is, but that it says on which port it listens and how durable it is.
//
//	pocketbase --dir DIR --hooks DIR --migrations DIR --synchronous NORMAL|FULL
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"strings"

	"github.com/pocketbase/dbx"
	"github.com/pocketbase/pocketbase"
	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/plugins/jsvm"
)

// connection is what core.DefaultDBConnect says, up to synchronous.
const connection = "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=journal_size_limit(200000000)" +
	"&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(ON)&_pragma=temp_store(MEMORY)&_pragma=cache_size(-32000)"

// hooksPool is how many JavaScript runtimes PocketBase's binary prepares.
const hooksPool = 15

func main() {
	var dir, hooks, migrations, synchronous string
	flag.StringVar(&dir, "dir", "", "`folder` of the data")
	flag.StringVar(&hooks, "hooks", "", "`folder` of the hooks")
	flag.StringVar(&migrations, "migrations", "", "`folder` of the migrations")
	flag.StringVar(&synchronous, "synchronous", "NORMAL", "SQLite's `level`: NORMAL, PocketBase's own, or FULL")
	flag.Parse()
	if err := serve(dir, hooks, migrations, synchronous); err != nil {
		log.Fatal(err)
	}
}

func serve(dir, hooks, migrations, synchronous string) error {
	app := pocketbase.NewWithConfig(pocketbase.Config{
		DefaultDataDir: dir,
		DBConnect: func(path string) (*dbx.DB, error) {
			return dbx.Open("sqlite", path+strings.Replace(connection, "NORMAL", synchronous, 1))
		},
	})
	if err := jsvm.Register(app, jsvm.Config{HooksDir: hooks, MigrationsDir: migrations, HooksPoolSize: hooksPool}); err != nil {
		return err
	}
	app.OnServe().BindFunc(func(e *core.ServeEvent) (err error) {
		if e.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return err
		}
		e.InstallerFunc = nil // it would open a browser
		fmt.Printf("serves http://%s\n", e.Listener.Addr())
		return e.Next()
	})
	if err := app.Bootstrap(); err != nil {
		return err
	}
	return apis.Serve(app, apis.ServeConfig{HttpAddr: "127.0.0.1:0"})
}
