package sim

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/fabric-kafka/orderer/chain/fabric"
)

// channelID is the channel of every simulated world.
const channelID = "sim"

// Header types of normal envelopes.
const (
	typeMessage = 0
	typeNormal  = 3 // an endorser transaction
)

// must returns v. It panics on an error, which values made by the simulation cannot cause.
func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprintf("sim: %v", err))
	}
	return v
}

// sealed returns an envelope of a client whose certificate expires at a time in
// simulated milliseconds.
func sealed(channel string, headerType int32, client int, expires int64, data []byte) *fabric.Envelope {
	return &fabric.Envelope{
		Payload: must(fabric.Marshal(&fabric.Payload{
			Header: &fabric.Header{
				ChannelHeader: must(fabric.Marshal(&fabric.ChannelHeader{Type: headerType, ChannelId: channel})),
				SignatureHeader: must(fabric.Marshal(&fabric.SignatureHeader{
					Creator: []byte{byte(client)},
					Nonce:   binary.AppendUvarint(nil, uint64(expires)),
				})),
			},
			Data: data,
		})),
		Signature: []byte("signature"),
	}
}

// content is what the simulation knows of an envelope by its bytes.
type content struct {
	channel string
	kind    int32
	client  int
	expires int64
	size    int
	text    string // of a normal envelope: unique to it
	opaque  bool   // a normal envelope that peers read no transaction in
	writes  bool   // a transaction that writes the one key that there is
	sets    bool   // one that sets the key's endorsement policy
	update  *update
	seq     uint64 // of a config envelope: that of the config in it
}

// open decodes an envelope; ok is false unless all of it decodes.
func open(b []byte) (c content, ok bool) {
	e, p := &fabric.Envelope{}, &fabric.Payload{}
	if fabric.Unmarshal(b, e) != nil || fabric.Unmarshal(e.Payload, p) != nil || p.Header == nil {
		return c, false
	}
	ch, sh := &fabric.ChannelHeader{}, &fabric.SignatureHeader{}
	if fabric.Unmarshal(p.Header.ChannelHeader, ch) != nil || fabric.Unmarshal(p.Header.SignatureHeader, sh) != nil {
		return c, false
	}
	c = content{channel: ch.ChannelId, kind: ch.Type, client: -1, size: len(e.Payload) + len(e.Signature)}
	if len(sh.Creator) == 1 {
		c.client = int(sh.Creator[0])
	}
	expires, _ := binary.Uvarint(sh.Nonce)
	c.expires = int64(expires)
	if ch.Type != fabric.TypeConfig {
		c.transaction(p.Data)
		return c, true
	}
	config := &fabric.ConfigEnvelope{}
	if fabric.Unmarshal(p.Data, config) != nil || config.Config == nil || config.LastUpdate == nil {
		return c, true
	}
	c.seq = config.Config.Sequence
	c.update = parseUpdate(string(config.LastUpdate.Payload))
	return c, true
}

// normal returns a normal envelope with a text and this many bytes of padding: a message or one of
// three transactions, depending on the text.
func normal(client int, expires int64, text string, pad int) *fabric.Envelope {
	padding := []byte(strings.Repeat(".", pad))
	set := &fabric.KVRWSet{}
	switch crc32.ChecksumIEEE([]byte(text)) % 5 {
	case 0:
		return sealed(channelID, typeMessage, client, expires, append([]byte(text+" "), padding...))
	case 1:
		set.Writes = []*fabric.KVWrite{{Key: "key"}}
	case 2:
		set.MetadataWrites = []*fabric.KVMetadataWrite{{Key: "key"}}
	}
	results := &fabric.TxReadWriteSet{NsRwset: []*fabric.NsReadWriteSet{{Namespace: "cc", Rwset: must(fabric.Marshal(set))}}}
	response := &fabric.ProposalResponsePayload{Extension: must(fabric.Marshal(&fabric.ChaincodeAction{Results: must(fabric.Marshal(results))}))}
	payload := &fabric.ChaincodeActionPayload{ChaincodeProposalPayload: padding, Action: &fabric.ChaincodeEndorsedAction{
		ProposalResponsePayload: must(fabric.Marshal(response)),
	}}
	return sealed(channelID, typeNormal, client, expires, must(fabric.Marshal(&fabric.Transaction{
		Actions: []*fabric.TransactionAction{{Header: []byte(text), Payload: must(fabric.Marshal(payload))}},
	})))
}

// transaction reads what normal wrote; anything else is opaque.
func (c *content) transaction(data []byte) {
	tx, payload, response, action := &fabric.Transaction{}, &fabric.ChaincodeActionPayload{}, &fabric.ProposalResponsePayload{}, &fabric.ChaincodeAction{}
	results, set := &fabric.TxReadWriteSet{}, &fabric.KVRWSet{}
	c.opaque = c.kind != typeNormal || fabric.Unmarshal(data, tx) != nil || len(tx.Actions) != 1
	if c.opaque {
		c.text, _, _ = strings.Cut(string(data), " ")
		return
	}
	c.text = string(tx.Actions[0].Header)
	must(0, fabric.Unmarshal(tx.Actions[0].Payload, payload))
	must(0, fabric.Unmarshal(payload.Action.ProposalResponsePayload, response))
	must(0, fabric.Unmarshal(response.Extension, action))
	must(0, fabric.Unmarshal(action.Results, results))
	must(0, fabric.Unmarshal(results.NsRwset[0].Rwset, set))
	c.sets = len(set.MetadataWrites) > 0
	c.writes = c.sets || len(set.Writes) > 0
}

// update is a config update. It sets one key, and applies while the key has the
// version that its author saw, as with the read sets of Fabric's updates.
type update struct {
	id      int // unique
	key     string
	version int
	value   int
}

func (u *update) String() string {
	return strconv.Itoa(u.id) + " " + u.key + " " + strconv.Itoa(u.version) + " " + strconv.Itoa(u.value)
}

func parseUpdate(text string) *update {
	parts := strings.Split(text, " ")
	if len(parts) != 4 {
		return nil
	}
	id, err0 := strconv.Atoi(parts[0])
	version, err1 := strconv.Atoi(parts[2])
	value, err2 := strconv.Atoi(parts[3])
	if err0 != nil || err1 != nil || err2 != nil {
		return nil
	}
	return &update{id, parts[1], version, value}
}

// configured returns the config envelope that an orderer computes from an update at a
// sequence. It depends on the signer, as envelopes of real orderers do.
func configured(u *update, seq uint64, signer int) *fabric.Envelope {
	return sealed(channelID, fabric.TypeConfig, signer, 0, must(fabric.Marshal(&fabric.ConfigEnvelope{
		Config:     &fabric.Config{Sequence: seq + 1},
		LastUpdate: &fabric.Envelope{Payload: []byte(u.String())},
	})))
}
