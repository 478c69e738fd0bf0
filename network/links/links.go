// Package links puts a proxy, Shopify's toxiproxy, between orderers and brokers,
// which can cut the way from one to the other, swallow what goes one way, and
// slow it down. The proxy is a process of its own; who uses this package starts
// and ends it. Its version is pinned in .tools/go.mod, so that what it is made of
// does not come into the orderer.
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

// Link is the way from an orderer to a broker.
type Link struct {
	Name     string `json:"name"`
	Listen   string `json:"listen"`   // the proxy's address, which the orderer connects to
	Upstream string `json:"upstream"` // the broker's
	Enabled  bool   `json:"enabled"`
}

// Name is that of a link.
func Name(orderer, broker string) string { return orderer + "-" + broker }

// Prepare writes the file that a proxy reads its links from.
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

// Args are the proxy's arguments: where its API listens, and the file of Prepare.
func Args(address, file string) ([]string, error) {
	host, port, err := net.SplitHostPort(address)
	return []string{"-host", host, "-port", port, "-config", file}, err
}

// Proxy is a proxy that runs, by the address of its API.
type Proxy string

// Direction is one of the two of a link.
type Direction string

// Requests go from orderer to broker, Answers come back.
const (
	Requests Direction = "upstream"
	Answers  Direction = "downstream"
)

// Links are the names of an orderer's links.
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

// Address returns where the clients of a link connect to.
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

// Cut ends all connections of a link and refuses others.
func (p Proxy) Cut(ctx context.Context, link string) error {
	return p.call(ctx, http.MethodPost, "/proxies/"+link, map[string]bool{"enabled": false}, nil)
}

// Swallow lets nothing through in one direction, and ends no connection.
func (p Proxy) Swallow(ctx context.Context, link string, d Direction) error {
	return p.add(ctx, link, toxic{Type: "timeout", Stream: d, Attributes: map[string]int{"timeout": 0}})
}

// Slow makes everything of a link take as many milliseconds longer, give or take
// jitter, in both directions, and lets through so many KB a second.
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

// Mend takes back all that was done to any link, and ends the connections of those
// to which something was done. Toxiproxy could take it back and leave connections
// open, but waits for all that is still on its way then, and may wait for ever.
func (p Proxy) Mend(ctx context.Context) error {
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

// disturbed is a link with what is done to it.
type disturbed struct {
	Link
	Toxics []toxic `json:"toxics"`
}

func (p Proxy) all(ctx context.Context) (links map[string]disturbed, err error) {
	err = p.call(ctx, http.MethodGet, "/proxies", nil, &links)
	return links, err
}

// toxic is what toxiproxy calls a disturbance of one direction.
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
