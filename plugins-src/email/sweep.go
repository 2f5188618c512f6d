package main

import (
	"time"

	"github.com/carrel-dev/carrel/sdk"
)

// The sweep begins the attempts that are overdue and have no job: those that were
// put off for longer than a sweep takes to come, and those whose job was set
// aside, whatever the reason. Beginning one that has a job which has not begun is
// harmless: it is the message's turn once more, and the job that was there before
// finds that out. One that is under way would be a second mail, so what is claimed
// is never overdue: see claim.
const (
	sweepJob   = "outbox-sweep"
	sweepCron  = "*/10 * * * *"
	sweepEvery = 10 * time.Minute
	sweepSize  = 50          // messages in one unit; they are long
	overdue    = time.Minute // behind nextAttemptAt; three times what an attempt may take
)

func sweep(c *sdk.Ctx) error {
	page, err := messages.Where("status", queued).Lte("nextAttemptAt", c.Now().Add(-overdue)).Sort("nextAttemptAt").Limit(sweepSize).Page(c)
	if err != nil {
		return err
	}
	docs, next, err := page.RawDocs()
	if err != nil {
		return err
	}
	for _, doc := range docs {
		if err := sweepOne(c, doc); err != nil {
			return err
		}
	}
	if next != "" {
		_, err = c.Schedule(sweepJob, struct{}{}, 0)
	}
	return err
}

// sweepOne begins one attempt, which is due now.
func sweepOne(c *sdk.Ctx, doc sdk.RawDoc[Message]) error {
	id, err := doc.ID()
	if err != nil {
		return err
	}
	turn := 0
	if _, err := doc.Field("turn", &turn); err != nil {
		return err
	}
	change := map[string]any{"turn": turn + 1, "nextAttemptAt": c.Now().UTC().Format(time.RFC3339)}
	if _, err := messages.Patch(c, id, change); err != nil {
		return err
	}
	return attempt{id, turn + 1}.begin(c, 0)
}
