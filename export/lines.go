package export

import (
	"io"

	"github.com/spinemask/spinemask/internal/core/resultjson"
)

// JSONL writes a line of JSON for each picture; see [Picture.AppendJSON].
type JSONL struct {
	w   io.Writer
	buf []byte
}

// NewJSONL writes to w.
func NewJSONL(w io.Writer) *JSONL { return &JSONL{w: w} }

// Add writes a line.
func (l *JSONL) Add(p *Picture) error {
	l.buf = append(p.AppendJSON(l.buf[:0]), '\n')
	_, err := l.w.Write(l.buf)
	return err
}

// Fail writes a line about a picture without results: {"id":7,"file_name":"a.png","error":"…"}.
func (l *JSONL) Fail(id int64, f Failure) error {
	b := append(l.buf[:0], `{"id":`...)
	b = resultjson.AppendNumber(b, float64(id))
	b = append(b, `,"file_name":`...)
	b = resultjson.AppendString(b, f.FileName)
	b = append(b, `,"error":`...)
	b = resultjson.AppendString(b, f.Error)
	l.buf = append(b, "}\n"...)
	_, err := l.w.Write(l.buf)
	return err
}

// Close does nothing.
func (l *JSONL) Close() error { return nil }
