package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/export"
	"github.com/spinemask/spinemask/internal/command/atomicfile"
	"github.com/spinemask/spinemask/internal/command/video"
	"github.com/spinemask/spinemask/internal/core/overlay"
)

// videoOutput is what a run over frames writes.
type videoOutput struct {
	name      string // of the source, in lines
	moviePath string // "": none
	linesPath string // "": none; -: standard output
	atOnce    bool   // who reads the lines does not wait for the end
	classes   []string

	create func(width, height int) (*video.File, error)
	film   overlay.Film
	movie  *video.File      // nil before the first frame
	file   *atomicfile.File // of lines that have their name at the end
	stream io.Closer        // of others
	lines  *export.JSONL

	frames, instances int
	failed            error    // of writing
	wrote             []string // files that are complete
}

// output finds out where to write, before any work is done.
func (f *videoFlags) output(s video.Source) (*videoOutput, error) {
	o := &videoOutput{name: s.Name(), linesPath: f.jsonl, atOnce: f.jsonl != "", classes: f.classes}
	switch ext := strings.ToLower(filepath.Ext(f.out)); {
	case f.out == "":
	case ext == ".mp4":
		o.moviePath = f.out
	case otherVideos[ext]:
		return nil, hinted{fmt.Errorf("--out %s: videos are written as mp4", f.out), "-o " + quoted(strings.TrimSuffix(f.out, filepath.Ext(f.out))+".mp4")}
	default:
		o.moviePath = filepath.Join(f.out, s.Stem()+".mp4")
		if o.linesPath == "" {
			o.linesPath = filepath.Join(f.out, s.Stem()+".jsonl")
		}
	}
	if err := o.notOver(s.Place); err != nil {
		return nil, err
	}
	if o.moviePath != "" && absolute(o.moviePath) == absolute(o.linesPath) {
		return nil, fmt.Errorf("--jsonl %s: that is the video", o.linesPath)
	}
	return o, nil
}

// notOver refuses outputs that are among the files that are read.
func (o *videoOutput) notOver(read ...string) error {
	return cmp.Or(notOver(o.moviePath, read...), notOver(o.linesPath, read...))
}

// otherVideos are names of files that -o cannot mean a folder by.
var otherVideos = map[string]bool{".avi": true, ".mkv": true, ".mov": true, ".webm": true, ".m4v": true, ".mpg": true, ".gif": true}

// begin opens the lines, and says how the video is to be written.
func (o *videoOutput) begin(b *video.Backend, m *spinemask.Model, movie video.Output, stdout io.Writer) (err error) {
	o.create = func(width, height int) (*video.File, error) {
		sum, err := m.SHA256()
		if err != nil {
			return nil, err
		}
		movie.Comment = fmt.Sprintf("spinemask %s, model %s, sha256 %s", version(), m.Config().Name, sum)
		return b.Create(o.moviePath, width, height, movie)
	}
	switch {
	case o.linesPath == "":
	case o.atOnce:
		var w io.WriteCloser
		if w, err = openLines(o.linesPath, stdout); err == nil {
			o.stream, o.lines = w, export.NewJSONL(w)
		}
	default:
		if o.file, err = atomicfile.Create(o.linesPath); err == nil {
			o.lines = export.NewJSONL(o.file)
		}
	}
	return err
}

// add writes what was found in a frame.
func (o *videoOutput) add(f video.Frame, r *spinemask.Result) error {
	o.failed = o.write(f, r)
	return o.failed
}

func (o *videoOutput) write(f video.Frame, r *spinemask.Result) error {
	seconds := f.Time.Seconds()
	p := export.NewPicture(export.Image{ID: int64(f.Index), FileName: o.name, Width: r.Width, Height: r.Height}, r, o.classes)
	p.Time = &seconds
	if o.moviePath != "" {
		drawing, err := o.film.Draw(f.Picture, drawn(p))
		if err != nil {
			return err
		}
		if o.movie == nil {
			if o.movie, err = o.create(drawing.Rect.Dx(), drawing.Rect.Dy()); err != nil {
				return err
			}
		}
		if err := o.movie.Write(drawing, f.Time); err != nil {
			return err
		}
	}
	if o.lines != nil {
		if err := o.lines.Add(p); err != nil {
			return err
		}
	}
	o.frames++
	o.instances += len(p.Instances)
	return nil
}

// finish completes the files, or removes them if there was an error of writing. Who reads standard output may have enough: that is none.
func (o *videoOutput) finish() error {
	keep := o.failed == nil || errors.Is(o.failed, syscall.EPIPE)
	var errs []error
	end := func(path string, commit func() error, discard func()) {
		if !keep {
			discard()
		} else if err := commit(); err != nil {
			errs = append(errs, err)
		} else {
			o.wrote = append(o.wrote, path)
		}
	}
	if o.movie != nil {
		end(o.moviePath, o.movie.Commit, o.movie.Discard)
	}
	if o.file != nil {
		end(o.linesPath, o.file.Commit, o.file.Discard)
	}
	if o.stream != nil {
		if err := o.stream.Close(); err != nil {
			errs = append(errs, reason(o.linesPath, err))
		} else if o.linesPath != "-" {
			o.wrote = append(o.wrote, o.linesPath)
		}
	}
	return errors.Join(errs...)
}
