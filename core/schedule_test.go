package core_test

import (
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
)

func TestNextOccurrence(t *testing.T) {
	for _, c := range []struct{ what, cron, zone, after, want string }{
		{"the same day", "0 9 * * *", "UTC", "2026-03-01T08:59:59Z", "2026-03-01T09:00:00Z"},
		{"not the moment itself", "0 9 * * *", "UTC", "2026-03-01T09:00:00Z", "2026-03-02T09:00:00Z"},
		{"a workspace's morning", "0 9 * * *", "America/New_York", "2026-01-15T00:00:00Z", "2026-01-15T14:00:00Z"},
		{"weekdays", "0 7 * * MON-FRI", "Europe/Paris", "2026-06-05T12:00:00Z", "2026-06-08T05:00:00Z"},
		{"each quarter of an hour", "*/15 * * * *", "Asia/Kolkata", "2026-03-01T12:01:00Z", "2026-03-01T12:15:00Z"},

		{"before the clocks go forward", "30 2 * * *", "America/New_York", "2026-03-07T00:00:00Z", "2026-03-07T07:30:00Z"},
		{"a night without its hour", "30 2 * * *", "America/New_York", "2026-03-07T07:30:00Z", "2026-03-08T07:30:00Z"}, // 3:30
		{"the day after it", "30 2 * * *", "America/New_York", "2026-03-08T07:30:00Z", "2026-03-09T06:30:00Z"},
		{"later in that night", "30 3 * * *", "America/New_York", "2026-03-08T06:00:00Z", "2026-03-08T07:30:00Z"},
		{"in Europe", "30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"}, // 3:30
		{"noon of that day", "0 12 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T10:00:00Z"},

		{"an hour that comes twice: the first", "30 1 * * *", "America/New_York", "2026-11-01T04:00:00Z", "2026-11-01T05:30:00Z"},
		{"and not the second", "30 1 * * *", "America/New_York", "2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"},
		{"also when looked for in between", "30 1 * * *", "America/New_York", "2026-11-01T06:10:00Z", "2026-11-02T06:30:00Z"},
		{"each hour of that night", "0 * * * *", "America/New_York", "2026-11-01T05:00:00Z", "2026-11-01T06:00:00Z"},
		{"each hour, over the gap", "0 * * * *", "America/New_York", "2026-03-08T06:00:00Z", "2026-03-08T07:00:00Z"},
		{"half an hour forward", "15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", "2026-10-03T15:45:00Z"}, // 2:45
		{"a zone nobody knows", "0 9 * * *", "Mars/Olympus", "2026-03-01T08:00:00Z", "2026-03-01T09:00:00Z"},
	} {
		after, err := time.Parse(time.RFC3339, c.after)
		if err != nil {
			t.Fatal(err)
		}
		got, err := core.NextOccurrence(c.cron, c.zone, after)
		if err != nil || got.Format(time.RFC3339) != c.want {
			t.Errorf("%s: %s in %s after %s is %s, %v; want %s", c.what, c.cron, c.zone, c.after, got.Format(time.RFC3339), err, c.want)
		}
	}
	for _, wrong := range []string{"", "* * * *", "60 * * * *", "0 9 * * * *", "@daily", "TZ=UTC 0 9 * *", "0 0 30 2 *", "0 */2 30 2 *", "0 9 * * MOO"} {
		if next, err := core.NextOccurrence(wrong, "UTC", time.Now()); core.KindOf(err) != core.Invalid {
			t.Errorf("%q: %v, %v", wrong, next, err)
		}
	}
}
