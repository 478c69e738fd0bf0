package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxMetrics bounds how much of an orderer's metrics is read.
const maxMetrics = 16 << 20

var waitingSeries = regexp.MustCompile(`(?m)^consensus_kafka_broker_waiting_seconds\{broker="([^"]*)",channel="([^"]*)",operation="([^"]*)"\} (\S+)$`)

// waitingFor returns what an orderer waits for on a channel according to its metrics, or "".
func waitingFor(ctx context.Context, operations, channel string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+operations+"/metrics", nil)
	if err != nil {
		return "", err
	}
	r, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer r.Body.Close()
	text, err := io.ReadAll(io.LimitReader(r.Body, maxMetrics))
	if err != nil {
		return "", err
	}
	return waitingIn(string(text), channel), nil
}

func waitingIn(metrics, channel string) string {
	var waits []string
	for _, m := range waitingSeries.FindAllStringSubmatch(metrics, -1) {
		if seconds, err := strconv.ParseFloat(m[4], 64); err == nil && seconds > 0 && m[2] == channel {
			waits = append(waits, fmt.Sprintf("waiting %.0fs for broker %s to answer %s", seconds, m[1], m[3]))
		}
	}
	slices.Sort(waits)
	return strings.Join(waits, ", ")
}
