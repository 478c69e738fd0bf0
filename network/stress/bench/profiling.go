package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// profiled is the outcome of a CPU profile.
type profiled struct {
	shares map[Stage]float64
	err    error
}

// profile takes a CPU profile of the first orderer.
func (m *measurement) profile(ctx context.Context, seconds int) (p profiled) {
	p.shares, p.err = fetchProfile(ctx, m.orderer().Profile, max(1, seconds))
	return p
}

func fetchProfile(ctx context.Context, address string, seconds int) (shares map[Stage]float64, err error) {
	url := fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", address, seconds)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 200))
		return nil, fmt.Errorf("%s: %s: %s", url, response.Status, text)
	}
	return Shares(response.Body)
}

// stages divides the orderers' CPU by the shares of a profile.
func (m *measurement) stages(p profiled) {
	if p.err != nil {
		m.note("no stages: %v", p.err)
		return
	}
	for _, s := range Stages {
		m.values[s.key()] = p.shares[s] * m.values[cpuOrderers]
	}
}
