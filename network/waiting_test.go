package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The status names the brokers that a channel waits for now, and no others.
func TestWaitingFor(t *testing.T) {
	const metrics = `# TYPE consensus_kafka_broker_waiting_seconds gauge
consensus_kafka_broker_waiting_seconds{broker="a:9092",channel="mychannel",operation="Fetch"} 3.000214
consensus_kafka_broker_waiting_seconds{broker="a:9092",channel="mychannel",operation="Produce"} 0
consensus_kafka_broker_waiting_seconds{broker="b:9092",channel="mychannel",operation="ApiVersions"} 2
consensus_kafka_broker_waiting_seconds{broker="a:9092",channel="another",operation="Fetch"} 9
`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(metrics)) }))
	defer s.Close()
	got, err := waitingFor(t.Context(), strings.TrimPrefix(s.URL, "http://"), "mychannel")
	const want = "waiting 2s for broker b:9092 to answer ApiVersions, waiting 3s for broker a:9092 to answer Fetch"
	if err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if got := waitingIn(metrics, "third"); got != "" {
		t.Errorf("got %q of a channel that waits for nothing", got)
	}
}
