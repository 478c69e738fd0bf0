package fabricnet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/fabric-kafka/orderer/network/client"
)

// ChannelInfo is the answer of an orderer's channel participation API for a channel.
type ChannelInfo struct {
	Name     string `json:"name"`
	Relation string `json:"consensusRelation"`
	Status   string `json:"status"`
	Height   uint64 `json:"height"`
}

// APIError is an error answer of the channel participation API.
type APIError struct {
	Code    int    // HTTP status
	Message string // the orderer's error text
}

func (e *APIError) Error() string { return fmt.Sprintf("HTTP %d: %s", e.Code, e.Message) }

// Orderer returns the descriptor of an orderer by its name.
func (n *Network) Orderer(name string) (Orderer, error) {
	all := n.Descriptor().Orderers
	i := slices.IndexFunc(all, func(o Orderer) bool { return o.Name == name })
	if i < 0 {
		return Orderer{}, fmt.Errorf("there is no orderer %q", name)
	}
	return all[i], nil
}

// Join makes an orderer join a channel from a config block; nil means the channel's genesis block.
func (n *Network) Join(ctx context.Context, orderer, channel string, block []byte) error {
	if block == nil {
		var err error
		if block, err = os.ReadFile(n.path(blockFile(channel))); err != nil {
			return err
		}
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("config-block", "config.block")
	if err != nil {
		return err
	}
	if _, err := part.Write(block); err != nil {
		return err
	}
	if err := form.Close(); err != nil {
		return err
	}
	return n.participate(ctx, orderer, http.MethodPost, "", form.FormDataContentType(), &body, nil)
}

// Remove makes an orderer leave a channel and forget its blocks. The topic stays.
func (n *Network) Remove(ctx context.Context, orderer, channel string) error {
	return n.participate(ctx, orderer, http.MethodDelete, "/"+channel, "", nil, nil)
}

// Info asks an orderer about a channel.
func (n *Network) Info(ctx context.Context, orderer, channel string) (ChannelInfo, error) {
	var info ChannelInfo
	err := n.participate(ctx, orderer, http.MethodGet, "/"+channel, "", nil, &info)
	return info, err
}

func (n *Network) participate(ctx context.Context, orderer, method, path, kind string, body io.Reader, answer any) error {
	o, err := n.Orderer(orderer)
	if err != nil {
		return err
	}
	client, err := n.adminClient()
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, method, "https://"+o.Admin+"/participation/v1/channels"+path, body)
	if err != nil {
		return err
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	r, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("%s: %w", orderer, err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if r.StatusCode/100 != 2 {
		var refusal struct{ Error string }
		if json.Unmarshal(text, &refusal) != nil || refusal.Error == "" {
			refusal.Error = string(text)
		}
		return fmt.Errorf("%s: %w", orderer, &APIError{r.StatusCode, refusal.Error})
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}

// adminClient authenticates as the orderer organization's admin.
func (n *Network) adminClient() (*http.Client, error) {
	admin := n.path(userCrypto(ordererOrgDir(), "Admin", "example.com"), "tls")
	config, err := client.TLS{CA: n.path(ordererTLSCA()), Cert: admin + "/client.crt", Key: admin + "/client.key"}.Client()
	if err != nil {
		return nil, err
	}
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: config}}, nil
}
