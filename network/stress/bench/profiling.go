package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
)

// profiled is the outcome of a CPU profile.
type profiled struct {
	shares map[Stage]float64
	err    error
}

// profile takes a CPU profile of the first orderer, and keeps it in the folder profiles.
func (m *measurement) profile(ctx context.Context, seconds int) (p profiled) {
	raw, err := fetchProfile(ctx, m.orderer().Profile, max(1, seconds))
	if err != nil {
		return profiled{err: err}
	}
	if err := m.keepProfile(raw); err != nil {
		m.note("the profile is not kept: %v", err)
	}
	p.shares, p.err = Shares(bytes.NewReader(raw))
	return p
}

func (m *measurement) keepProfile(raw []byte) error {
	dir := filepath.Join(m.config.Out, "profiles")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, m.step.fileName()+".pb.gz"), raw, 0o644)
}

// fetchProfile returns a CPU profile of a process, in the format of pprof.
func fetchProfile(ctx context.Context, address string, seconds int) (raw []byte, err error) {
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
	return io.ReadAll(response.Body)
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
