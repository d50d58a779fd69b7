package streams

import (
	"fmt"
	"net/http"
	"time"
)

// writeTimeout is how long a watcher may take to read one event.
const writeTimeout = 10 * time.Second

// Writer writes server-sent events.
type Writer struct {
	out     http.ResponseWriter
	control *http.ResponseController
}

// NewWriter writes to who asked.
func NewWriter(w http.ResponseWriter) *Writer {
	return &Writer{out: w, control: http.NewResponseController(w)}
}

// Begin lifts the limits of a short answer from the connection, and sends the header. The error says that the connection cannot be
// streamed on.
func (w *Writer) Begin() error {
	if err := w.control.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	h := w.out.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	w.out.WriteHeader(http.StatusOK)
	return w.control.Flush()
}

// Event writes one. The error says that the watcher has gone, or reads too slowly.
func (w *Writer) Event(name, id string, data []byte) error {
	return w.send(fmt.Sprintf("event: %s\nid: %s\ndata: %s\n\n", name, id, data))
}

// Comment keeps proxies from taking the stream for dead. The error is as of Event.
func (w *Writer) Comment() error { return w.send(": still here\n\n") }

func (w *Writer) send(text string) error {
	if err := w.control.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if _, err := w.out.Write([]byte(text)); err != nil {
		return err
	}
	return w.control.Flush()
}
