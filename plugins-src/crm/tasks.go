package main

import "github.com/carrel-dev/carrel/sdk"

// Task is something a member of the workspace is to do.
type Task struct {
	Title      string `json:"title" carrel:"required,max=200,doc=What to do"`
	DueAt      string `json:"dueAt" carrel:"time,index,doc=When it is due"`
	AssigneeID sdk.ID `json:"assigneeId" carrel:"index,doc=Account of the member who is to do it"`
	ContactID  sdk.ID `json:"contactId" carrel:"ref=contacts,on_delete=clear,doc=Person it is about"`
	Status     string `json:"status" carrel:"index,enum=open|done,default=open,doc=Whether it is done"`
}

var tasks = sdk.Table[Task]("tasks", "What members are to do",
	sdk.Index("status", "dueAt"), sdk.Index("assigneeId", "status", "dueAt"))

func createTask(c *sdk.Ctx, in Task) (doc sdk.RawDoc[Task], err error) {
	if in.ContactID, err = survivor(c, in.ContactID); err != nil {
		return doc, err
	}
	return tasks.Create(c, in)
}

func changeTask(c *sdk.Ctx, changes sdk.Partial[Task]) (doc sdk.RawDoc[Task], err error) {
	if changes.Has("contactId") {
		values, err := changes.Values()
		if err != nil {
			return doc, err
		}
		contact, err := survivor(c, values.ContactID)
		if err != nil {
			return doc, err
		}
		if err := changes.Set("contactId", contact); err != nil {
			return doc, err
		}
	}
	return tasks.Change(c, changes)
}
