// Package links controls a proxy, Shopify's toxiproxy, between orderers and brokers.
// It can cut a link, drop the data of one direction, and slow a link down. The proxy is
// a separate process; the caller starts and ends it. Its version is pinned in
// .tools/go.mod, so that its dependencies do not become dependencies of the orderer.
package links

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Program is the name of the proxy's binary.
const Program = "toxiproxy"

// Build compiles the proxy into a folder; root is the folder of this module.
func Build(ctx context.Context, root, out string) error {
	c := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(out, Program), "github.com/Shopify/toxiproxy/v2/cmd/server")
	c.Dir = filepath.Join(root, ".tools")
	if text, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", Program, err, bytes.TrimSpace(text))
	}
	return nil
}

// Link is the connection path from an orderer to a broker.
type Link struct {
	Name     string `json:"name"`
	Listen   string `json:"listen"`   // the proxy's address, which the orderer connects to
	Upstream string `json:"upstream"` // the broker's
	Enabled  bool   `json:"enabled"`
}

// Name returns the name of a link.
func Name(orderer, broker string) string { return orderer + "-" + broker }

// Prepare writes the file from which a proxy reads its links.
func Prepare(file string, all []Link) error {
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}

// Args returns the proxy's arguments: the address of its API, and the file of [Prepare].
func Args(address, file string) ([]string, error) {
	host, port, err := net.SplitHostPort(address)
	return []string{"-host", host, "-port", port, "-config", file}, err
}

// Proxy is the address of the API of a running proxy.
type Proxy string

// Direction is a direction of a link.
type Direction string

// Requests go from orderer to broker, Answers come back.
const (
	Requests Direction = "upstream"
	Answers  Direction = "downstream"
)

// Links returns the names of an orderer's links.
func (p Proxy) Links(ctx context.Context, orderer string) (names []string, err error) {
	all, err := p.all(ctx)
	if err != nil {
		return nil, err
	}
	for name := range all {
		if strings.HasPrefix(name, Name(orderer, "")) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("the proxy knows no link of %s", orderer)
	}
	return names, nil
}

// Address returns the address at which clients connect to a link.
func (p Proxy) Address(ctx context.Context, link string) (string, error) {
	all, err := p.all(ctx)
	if err != nil {
		return "", err
	}
	l, ok := all[link]
	if !ok {
		return "", fmt.Errorf("the proxy knows no link %s", link)
	}
	return l.Listen, nil
}

// Cut closes all connections of a link and refuses new ones.
func (p Proxy) Cut(ctx context.Context, link string) error {
	return p.call(ctx, http.MethodPost, "/proxies/"+link, map[string]bool{"enabled": false}, nil)
}

// Swallow drops all data in one direction and keeps connections open.
func (p Proxy) Swallow(ctx context.Context, link string, d Direction) error {
	return p.add(ctx, link, toxic{Type: "timeout", Stream: d, Attributes: map[string]int{"timeout": 0}})
}

// Slow adds a round-trip latency, in milliseconds, with a jitter to a link, and limits
// each direction to a rate in KB a second.
func (p Proxy) Slow(ctx context.Context, link string, latency, jitter, rate int) error {
	for _, d := range []Direction{Requests, Answers} {
		if err := p.add(ctx, link, toxic{Type: "latency", Stream: d, Attributes: map[string]int{"latency": latency / 2, "jitter": jitter / 2}}); err != nil {
			return err
		}
		if err := p.add(ctx, link, toxic{Type: "bandwidth", Stream: d, Attributes: map[string]int{"rate": rate}}); err != nil {
			return err
		}
	}
	return nil
}

// Repair removes all disturbances, and closes the connections of the links that had one.
// Toxiproxy can remove a disturbance and keep connections open, but then it waits for
// data in flight, possibly without end.
func (p Proxy) Repair(ctx context.Context) error {
	all, err := p.all(ctx)
	if err != nil {
		return err
	}
	for name, l := range all {
		if l.Enabled && len(l.Toxics) == 0 {
			continue
		}
		l.Enabled = true
		if err := p.call(ctx, http.MethodDelete, "/proxies/"+name, nil, nil); err != nil {
			return err
		}
		if err := p.call(ctx, http.MethodPost, "/proxies", l.Link, nil); err != nil {
			return err
		}
	}
	return nil
}

// disturbed is a link with its disturbances.
type disturbed struct {
	Link
	Toxics []toxic `json:"toxics"`
}

func (p Proxy) all(ctx context.Context) (links map[string]disturbed, err error) {
	err = p.call(ctx, http.MethodGet, "/proxies", nil, &links)
	return links, err
}

// toxic is toxiproxy's name for a disturbance of one direction.
type toxic struct {
	Type       string         `json:"type"`
	Stream     Direction      `json:"stream"`
	Attributes map[string]int `json:"attributes"`
}

func (p Proxy) add(ctx context.Context, link string, t toxic) error {
	return p.call(ctx, http.MethodPost, "/proxies/"+link+"/toxics", t, nil)
}

// call sends a request to the API, and decodes the answer if one is wanted.
func (p Proxy) call(ctx context.Context, method, path string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+string(p)+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("proxy: %w", err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return fmt.Errorf("proxy: %s: %w", path, err)
	case response.StatusCode >= http.StatusBadRequest:
		return fmt.Errorf("proxy: %s: %s: %s", path, response.Status, bytes.TrimSpace(content))
	case answer == nil:
		return nil
	}
	return json.Unmarshal(content, answer)
}
