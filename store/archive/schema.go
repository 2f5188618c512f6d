package archive

import (
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/carrel-dev/carrel/core"
)

// CheckSchema refuses a database whose newest migration is not the newest of the
// migrations folder of this program: it would be read by the wrong names.
func CheckSchema(migrations fs.FS, at int64) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	var newest int64
	for _, file := range files {
		number, _, _ := strings.Cut(path.Base(file), "_")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return err
		}
		newest = max(newest, n)
	}
	if at != newest {
		return core.E("archive.CheckSchema", core.Invalid,
			"The database has the schema %d, and this Carrel knows %d. Use the version of the server that runs on it.", at, newest)
	}
	return nil
}
