package core

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

var cronParser = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// NextOccurrence returns when a schedule is due next after a moment: the first
// minute its five fields match on the clocks of a time zone. When clocks jump, a
// schedule by the hour ("0 2 * * *") is due once a day: in a night that lacks its
// hour later by as much as the clocks are put forward, in one that has it twice
// the first time. A schedule of every hour ("*/5 * * * *") goes by elapsed time.
// It fails with Invalid when the expression is none, or is never due.
func NextOccurrence(expression, zone string, after time.Time) (time.Time, error) {
	const op = "core.NextOccurrence"
	fields := strings.Fields(expression)
	if !cronPattern.MatchString(expression) || len(fields) != 5 {
		return time.Time{}, E(op, Invalid, "%q must be a cron expression of five fields, such as 0 7 * * *", expression)
	}
	schedule, err := cronParser.Parse(expression)
	if err != nil {
		return time.Time{}, &Error{Op: op, Kind: Invalid, Err: err,
			Msg: fmt.Sprintf("%q must be a cron expression of five fields, such as 0 7 * * *: %v", expression, err)}
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		location = time.UTC // a zone this server has lost must not stop what is due
	}
	never := E(op, Invalid, "%q is a date that never comes", expression)
	if strings.HasPrefix(fields[1], "*") {
		next := schedule.Next(after.In(location))
		if next.IsZero() {
			return next, never
		}
		return next.UTC(), nil
	}
	// The clocks' own time, as if it were UTC's, knows no jumps.
	for wall := asUTC(after.In(location)); ; {
		if wall = schedule.Next(wall); wall.IsZero() {
			return wall, never
		}
		if at := onClock(wall, location); at.After(after) { // not the second time of an hour that comes twice
			return at, nil
		}
	}
}

// asUTC is what a clock shows, as a time of UTC.
func asUTC(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// onClock is the moment at which the clocks of a place show wall for the first
// time; or would have shown it, had they not been put forward.
func onClock(wall time.Time, location *time.Location) time.Time {
	const day = 24 * time.Hour
	offset := func(at time.Time) time.Duration {
		_, seconds := at.In(location).Zone()
		return time.Duration(seconds) * time.Second
	}
	before := wall.Add(-offset(wall.Add(-day)))
	if after := wall.Add(-offset(wall.Add(day))); !asUTC(before.In(location)).Equal(wall) && asUTC(after.In(location)).Equal(wall) {
		return after
	}
	return before
}
