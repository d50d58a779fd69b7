package dns

import (
	"errors"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	// ttl of every record, in seconds. Pods come and go while a sandbox is looked at.
	ttl = 5
	// plainSize is what a datagram may hold unless the client says more, and largestSize what passes every network in one
	// piece.
	plainSize   = 512
	largestSize = 1232
)

// query is a message of a client.
type query struct {
	id        uint16
	recursion bool // wanted; given back as it is
	question  dnsmessage.Question
	// extended: the client speaks EDNS, and an answer may have size bytes.
	extended bool
	size     int
	// rcode is what is wrong with the query.
	rcode dnsmessage.RCode
}

// read reads a query. What can be answered by an error only has an rcode; ok is false for what deserves no answer: noise,
// and answers, to which an answer could go on for ever.
func read(message []byte) (q query, ok bool) {
	var p dnsmessage.Parser
	header, err := p.Start(message)
	if err != nil || header.Response {
		return query{}, false
	}
	q = query{id: header.ID, recursion: header.RecursionDesired, size: plainSize}
	if header.OpCode != 0 {
		q.rcode = dnsmessage.RCodeNotImplemented
		return q, true
	}
	if q.body(&p) != nil {
		q.rcode = dnsmessage.RCodeFormatError
	}
	return q, true
}

// body reads what stands behind the header.
func (q *query) body(p *dnsmessage.Parser) error {
	questions, err := p.AllQuestions()
	if err != nil {
		return err
	}
	if len(questions) != 1 {
		return errors.New("not one question")
	}
	q.question = questions[0]
	if err := errors.Join(p.SkipAllAnswers(), p.SkipAllAuthorities()); err != nil {
		return err
	}
	for {
		extra, err := p.AdditionalHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return nil
		}
		if err != nil {
			return err
		}
		if extra.Type == dnsmessage.TypeOPT && !q.extended {
			q.extended, q.size = true, min(max(int(extra.Class), plainSize), largestSize)
		}
		if err := p.SkipAdditional(); err != nil {
			return err
		}
	}
}

// reply returns the message that answers q in at most size bytes; what does not fit is left out, and the client told to
// ask again by TCP. The addresses that do fit are there all the same: some clients never use TCP.
func reply(q query, a answer, rcode dnsmessage.RCode, size int) ([]byte, error) {
	resources := records(q.question, a)
	for n := len(resources); ; n /= 2 {
		message, err := pack(q, resources[:n], rcode, n < len(resources))
		if err != nil || len(message) <= size || n == 0 {
			return message, err
		}
	}
}

// records returns the part of an answer that the question asks for.
func records(question dnsmessage.Question, a answer) []dnsmessage.Resource {
	var all []dnsmessage.Resource
	add := func(kind dnsmessage.Type, body dnsmessage.ResourceBody) {
		header := dnsmessage.ResourceHeader{Name: question.Name, Type: kind, Class: dnsmessage.ClassINET, TTL: ttl}
		all = append(all, dnsmessage.Resource{Header: header, Body: body})
	}
	for _, address := range a.addresses {
		switch {
		case question.Type == dnsmessage.TypeA && address.Is4():
			add(dnsmessage.TypeA, &dnsmessage.AResource{A: address.As4()})
		case question.Type == dnsmessage.TypeAAAA && address.Is6():
			add(dnsmessage.TypeAAAA, &dnsmessage.AAAAResource{AAAA: address.As16()})
		}
	}
	for _, p := range a.ports {
		target, err := dnsmessage.NewName(p.host)
		if question.Type == dnsmessage.TypeSRV && err == nil {
			add(dnsmessage.TypeSRV, &dnsmessage.SRVResource{Weight: 100, Port: p.number, Target: target})
		}
	}
	return all
}

// pack writes a message. It is authoritative: to some clients an answer without records from a server that is not says
// that they should ask another one.
func pack(q query, resources []dnsmessage.Resource, rcode dnsmessage.RCode, truncated bool) ([]byte, error) {
	message := dnsmessage.Message{
		Header: dnsmessage.Header{
			ID: q.id, Response: true, Authoritative: true, Truncated: truncated, RecursionDesired: q.recursion, RCode: rcode,
		},
		Answers: resources,
	}
	if q.question.Name.Length > 0 {
		message.Questions = []dnsmessage.Question{q.question}
	}
	if q.extended {
		var header dnsmessage.ResourceHeader
		if err := header.SetEDNS0(largestSize, rcode, false); err != nil {
			return nil, err
		}
		message.Additionals = []dnsmessage.Resource{{Header: header, Body: &dnsmessage.OPTResource{}}}
	}
	return message.Pack()
}
