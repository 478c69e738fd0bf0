package chaos

import (
	"strings"
	"testing"
)

func TestNamed(t *testing.T) {
	faults, err := Named([]string{"orderer*", "leader-kill"})
	if err != nil || len(faults) != 4 || faults[3].Name != "leader-kill" {
		t.Errorf("got %d faults, %v", len(faults), err)
	}
	if _, err := Named([]string{"broker-kil"}); err == nil || !strings.Contains(err.Error(), "broker-kill") {
		t.Errorf("a name that is not one: %v", err)
	}
	for _, f := range Faults {
		if f.Says == "" || f.do == nil {
			t.Errorf("%s does or says nothing", f.Name)
		}
	}
}
