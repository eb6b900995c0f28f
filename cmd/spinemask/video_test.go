package main

import (
	"context"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spinemask/spinemask/export"
	"github.com/spinemask/spinemask/internal/command/video"
)

// The scripts in testdata/video run with each backend. Beside the commands of the others they have
//
//	lines FILE COUNT STEP   which wants so many lines of JSON, of each STEP-th frame of the clip
//	movie FILE COUNT        which wants a video of so many pictures; a COUNT like 1-11 gives limits
//
// and the condition backend.
func TestVideoScripts(t *testing.T) {
	names := []string{video.FFmpeg}
	if _, err := video.Find(video.OpenCV); err == nil { // built with the tag gocv
		names = append(names, video.OpenCV)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			p := scripts(t, "testdata/video")
			setup := p.Setup
			p.Setup = func(e *testscript.Env) error {
				e.Setenv("BACKEND", name)
				return setup(e)
			}
			p.Condition = func(string) (bool, error) {
				_, err := video.Find(name)
				return err == nil, nil
			}
			p.Cmds["lines"] = checkLines
			p.Cmds["movie"] = checkMovie
			testscript.Run(t, p)
		})
	}
}

func checkLines(ts *testscript.TestScript, _ bool, args []string) {
	count, err := strconv.Atoi(args[1])
	ts.Check(err)
	step, err := strconv.Atoi(args[2])
	ts.Check(err)
	lines := strings.Split(strings.TrimSuffix(ts.ReadFile(args[0]), "\n"), "\n")
	if len(lines) != count {
		ts.Fatalf("%d lines, want %d", len(lines), count)
	}
	for i, line := range lines {
		p, err := export.ParsePicture([]byte(line))
		ts.Check(err)
		frame := int64(i * step)
		switch {
		case p.ID != frame || p.FileName != "pan.mp4" || p.Width != 256 || p.Height != 256:
			ts.Fatalf("line %d: %+v, want frame %d of pan.mp4, 256x256", i, p.Image, frame)
		case p.Time == nil || math.Abs(*p.Time-float64(frame)/10) > 1e-6:
			ts.Fatalf("frame %d: time %v, want a tenth of a second for each frame", frame, p.Time)
		case len(p.Instances) < 40:
			ts.Fatalf("frame %d: %d instances, want the field of nuclei", frame, len(p.Instances))
		}
	}
}

func checkMovie(ts *testscript.TestScript, _ bool, args []string) {
	low, high, found := strings.Cut(args[1], "-")
	if !found {
		high = low
	}
	least, err := strconv.Atoi(low)
	ts.Check(err)
	most, err := strconv.Atoi(high)
	ts.Check(err)
	b, err := video.Find(ts.Getenv("BACKEND"))
	ts.Check(err)
	r, err := b.Open(context.Background(), video.Source{Place: ts.MkAbs(args[0])}, func(string) {})
	ts.Check(err)
	defer r.Close()
	count := 0
	for ; ; count++ {
		_, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		ts.Check(err)
	}
	i := r.Info()
	switch {
	case count < least || count > most:
		ts.Fatalf("%d pictures, want %s", count, args[1])
	case i.Width < 256 || i.Height < 256 || i.Width%2+i.Height%2 != 0:
		ts.Fatalf("pictures of %dx%d pixels", i.Width, i.Height)
	}
}
