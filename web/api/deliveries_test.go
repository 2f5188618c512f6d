package api

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/carrel-dev/carrel/core"
)

// A delivery that is over is due never, not in the year 1.
func TestADeliveryThatIsOverIsNotDue(t *testing.T) {
	encoded, err := json.Marshal(deliveryView(core.Delivery{ID: "dlv_1", State: core.DeliveryDone, Created: time.Now()}))
	if err != nil || strings.Contains(string(encoded), "0001-01-01") {
		t.Errorf("%s, %v", encoded, err)
	}
}
