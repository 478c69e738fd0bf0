package chain

import (
	"github.com/fabric-kafka/orderer/chain/fabric"
	"github.com/fabric-kafka/orderer/chain/log"
	"github.com/fabric-kafka/orderer/chain/machine"
	"github.com/fabric-kafka/orderer/chain/record"
)

// inputOf is the record as the machine takes it: a pure function of its bytes,
// the same on every orderer, whatever the bytes are.
func inputOf(r log.Record) machine.Input {
	at := machine.Offset(r.Offset)
	m, err := record.Decode(r.Value)
	if err != nil {
		return machine.Garbage{Offset: at, Flaw: err.Error()}
	}
	switch t := m.Type.(type) {
	case *record.Message_Regular:
		return machine.Regular{
			Offset:    at,
			Class:     machine.Class(t.Regular.Class),
			ConfigSeq: machine.ConfigSeq(t.Regular.ConfigSeq),
			Envelope:  envelopeOf(t.Regular.Payload),
		}
	case *record.Message_TimeToCut:
		return machine.TimeToCut{Offset: at, Block: machine.BlockNumber(t.TimeToCut.BlockNumber)}
	case *record.Message_Connect:
		return connectOf(at, t.Connect.Payload)
	}
	return machine.Garbage{Offset: at, Flaw: "record of no known type"}
}

func connectOf(at machine.Offset, payload []byte) machine.Connect {
	if len(payload) == 0 {
		return machine.Connect{Offset: at}
	}
	d, err := record.DecodeDescription(payload)
	if err != nil {
		return machine.Connect{Offset: at, Flaw: err.Error()}
	}
	return machine.Connect{Offset: at, Description: &machine.Description{
		FormatVersion: d.FormatVersion,
		RuleSet:       machine.RuleSet(d.RuleSet),
		Channel:       d.ChannelId,
		GenesisHash:   d.GenesisHash,
	}}
}

// envelopeOf decodes as far into an envelope as peers do before they can say
// whose it is.
func envelopeOf(b []byte) machine.Envelope {
	e := machine.Envelope{Bytes: b}
	envelope := &fabric.Envelope{}
	if err := fabric.Unmarshal(b, envelope); err != nil {
		e.Flaw = "envelope: " + err.Error()
		return e
	}
	e.Size = len(envelope.Payload) + len(envelope.Signature)
	header, flaw := headerOf(envelope)
	e.Flaw = flaw
	if flaw == "" {
		e.Channel, e.Type = header.ChannelId, header.Type
	}
	return e
}

func headerOf(envelope *fabric.Envelope) (*fabric.ChannelHeader, string) {
	payload := &fabric.Payload{}
	if err := fabric.Unmarshal(envelope.Payload, payload); err != nil {
		return nil, "payload: " + err.Error()
	}
	if payload.Header == nil {
		return nil, "payload has no header"
	}
	header := &fabric.ChannelHeader{}
	if err := fabric.Unmarshal(payload.Header.ChannelHeader, header); err != nil {
		return nil, "channel header: " + err.Error()
	}
	if err := fabric.Unmarshal(payload.Header.SignatureHeader, &fabric.SignatureHeader{}); err != nil {
		return nil, "signature header: " + err.Error()
	}
	return header, ""
}
