package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/spinemask/spinemask/internal/progress"
)

// talk speaks to people, around the progress bar.
type talk struct {
	w   io.Writer
	bar *progress.Bar // nil: none is shown
}

func (t *talk) say(format string, args ...any) {
	t.bar.Clear()
	fmt.Fprintf(t.w, "spinemask: "+format+"\n", args...)
}

func (t *talk) error(err error) {
	t.say("error: %v", err)
	if h := (hinted{}); errors.As(err, &h) {
		t.say("hint: %s", h.hint)
	}
}

// showProgress shows a bar if a person is watching.
func (t *talk) showProgress(unit string, total int) {
	f, ok := t.w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width == 0 {
		width = 80
	}
	t.bar = progress.New(f, unit, total, width)
	t.bar.Add(0)
}
