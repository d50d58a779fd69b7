package server

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/kymaros/kymaros/pkg/server/problem"
)

// worthPacking is from how many bytes on an answer is packed.
const worthPacking = 1024

var packers = sync.Pool{New: func() any {
	w, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant
	}
	return w
}}

// ready is an answer that was made for somebody else.
type ready struct {
	tag, next string
	packed    []byte
}

// reuse returns the answer that the same request got before, of what has not changed since.
func (r *request) reuse(answer func() (any, error)) (any, error) {
	if !takesGzip(r.Header.Get("Accept-Encoding")) {
		return answer()
	}
	address := r.URL.Path + "?" + r.Values.Encode()
	if known, ok := r.view.Kept.Get(address); ok {
		made, _ := known.(*ready)
		r.next = made.next
		return made, nil
	}
	value, err := answer()
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	body = append(body, '\n')
	if len(body) < worthPacking {
		return value, nil
	}
	packed, ok := pack(body)
	if !ok {
		return value, nil
	}
	made := &ready{tagOf(body), r.next, packed}
	r.view.Kept.Add(address, made)
	return made, nil
}

// respond answers with a value as JSON, see send.
func respond(w http.ResponseWriter, r *http.Request, value any) error {
	if made, ok := value.(*ready); ok {
		if !unchanged(w, r, made.tag) {
			w.Header().Set("Content-Type", "application/json")
			writePacked(w, http.StatusOK, made.packed)
		}
		return nil
	}
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	send(w, r, append(body, '\n'))
	return nil
}

// send answers with JSON. A caller that has it already, by its ETag, is told so.
func send(w http.ResponseWriter, r *http.Request, body []byte) {
	if unchanged(w, r, tagOf(body)) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	write(w, r, http.StatusOK, body)
}

func tagOf(body []byte) string {
	hash := sha256.Sum256(body)
	return `W/"` + base64.RawURLEncoding.EncodeToString(hash[:12]) + `"`
}

// unchanged answers a caller that has what it asks for already, by its ETag.
func unchanged(w http.ResponseWriter, r *http.Request, tag string) bool {
	h := w.Header()
	h.Set("ETag", tag)
	h.Add("Vary", "Authorization, Accept-Encoding")
	if !has(r.Header.Get("If-None-Match"), tag) {
		return false
	}
	w.WriteHeader(http.StatusNotModified)
	return true
}

// tell answers a request that changed something.
func tell(w http.ResponseWriter, r *http.Request, status int, value any) error {
	body, err := json.Marshal(value)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	write(w, r, status, append(body, '\n'))
	return nil
}

// complain answers with a problem.
func complain(w http.ResponseWriter, r *http.Request, p *problem.Error) {
	body, err := json.Marshal(p)
	if err != nil { // texts and numbers only
		body = []byte(`{}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="kymaros-api"`)
	}
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.RetryAfter))
	}
	write(w, r, p.Status, append(body, '\n'))
}

// write sends the body, packed if it is worth it and the caller takes it. The caller has gone if that fails.
func write(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	if len(body) >= worthPacking && takesGzip(r.Header.Get("Accept-Encoding")) {
		if packed, ok := pack(body); ok {
			writePacked(w, status, packed)
			return
		}
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func writePacked(w http.ResponseWriter, status int, packed []byte) {
	w.Header().Set("Content-Encoding", "gzip")
	w.Header().Set("Content-Length", strconv.Itoa(len(packed)))
	w.WriteHeader(status)
	_, _ = w.Write(packed)
}

func pack(body []byte) (packed []byte, ok bool) {
	var out bytes.Buffer
	packer := packers.Get().(*gzip.Writer)
	defer packers.Put(packer)
	packer.Reset(&out)
	_, err := packer.Write(body)
	err = errors.Join(err, packer.Close())
	return out.Bytes(), err == nil
}

// has tells whether a list of ETags holds one, by weak comparison.
func has(list, tag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// takesGzip reads Accept-Encoding.
func takesGzip(accepted string) bool {
	for one := range strings.SplitSeq(accepted, ",") {
		coding, parameters, _ := strings.Cut(one, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		weight, ok := strings.CutPrefix(strings.ToLower(strings.ReplaceAll(parameters, " ", "")), "q=")
		if !ok {
			return true
		}
		q, err := strconv.ParseFloat(weight, 64)
		return err == nil && q > 0
	}
	return false
}
