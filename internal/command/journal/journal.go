// Package journal remembers what a run has finished, so that it can go on after any stop: Ctrl-C, kill -9, a lost power supply.
//
// A journal is a file of JSON lines: a header that says how results are made, an entry for each image of the plan, and then a line for each image that is
// finished, with its results, or with the reason why there are none. Lines are only ever appended. What a killed process left of a line is cut off when the
// journal is opened again.
//
// A line is handed to the system when its image is finished, so that it survives the death of the process. It is forced to the disk once a second: a lost
// power supply costs a second's work. Files of an image must be on the disk before its line is written, so that a line never speaks of files that are not there.
package journal

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spinemask/spinemask/export"
	"github.com/spinemask/spinemask/internal/command/atomicfile"
	"github.com/spinemask/spinemask/internal/command/filelock"
)

// Format is the version of the lines.
const Format = 1

// A Header says how the results of a run are made.
type Header struct {
	Format      int               `json:"format"`
	Info        export.Info       `json:"info"`
	Config      string            `json:"config"` // SHA-256 of the model's config
	Categories  []export.Category `json:"categories"`
	Save        []string          `json:"save"`                  // formats
	Annotations string            `json:"annotations,omitempty"` // COCO file whose ids images have
	Upright     string            `json:"upright,omitempty"`     // which images an evaluation turns: on, off; "": those that fit its data set
}

// An Entry is an image of the plan.
type Entry struct {
	ID       int64  `json:"id"`
	FileName string `json:"file_name"`        // in results, unique
	Path     string `json:"path"`             // of the file, as it was given
	Folder   string `json:"folder,omitempty"` // from which Path counts: the working directory of then; "": as in File
}

// File is the way to the image's file from the present working directory. Where there is nothing in the place that Path had then, it is Path itself: a folder of
// images may have moved with that of the results.
func (e *Entry) File() string {
	if e.Folder == "" || filepath.IsAbs(e.Path) {
		return e.Path
	}
	if here, err := os.Getwd(); err == nil && here == e.Folder {
		return e.Path
	}
	then := filepath.Join(e.Folder, e.Path)
	if _, err := os.Stat(then); err != nil {
		return e.Path
	}
	return then
}

// A Record is a finished image.
type Record struct {
	Picture *export.Picture // nil: it failed
	Error   string          // why it failed
	Source  Source
}

// line is one line of a journal; one of its fields is set, or Done with what stands beside it.
type line struct {
	Header *Header         `json:"run,omitempty"`
	Plan   *Entry          `json:"plan,omitempty"`
	Done   json.RawMessage `json:"done,omitempty"`
	Source
	Thumbnail []byte   `json:"thumbnail,omitempty"`
	Failed    *failed  `json:"failed,omitempty"`
	Also      []string `json:"also,omitempty"`    // formats that were written after the run
	Objects   string   `json:"objects,omitempty"` // what GeoJSON's objects are since then
}

type failed struct {
	ID    int64  `json:"id"`
	Error string `json:"error"`
}

// A Journal is open for reading and appending. It belongs to one goroutine, and to one process.
type Journal struct {
	path   string
	f      *os.File
	size   int64
	synced time.Time
	buf    []byte

	header  Header
	also    []string
	plan    []Entry
	byID    map[int64]int // index in plan
	byName  map[string]int
	results []result // of the plan's entries
}

// result is where the last line about an image is.
type result struct {
	at, length int64 // length 0: none
	err        string
	source     Source
}

// Create begins a journal. An older one of that name is replaced when the new one is whole, unless a run is still writing to it.
func Create(path string, h Header, plan []Entry) (*Journal, error) {
	if old, err := os.OpenFile(path, os.O_RDWR, 0); err == nil {
		err := lock(old)
		old.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	h.Format = Format
	f, err := atomicfile.Create(path)
	if err != nil {
		return nil, err
	}
	b := appendLine(nil, line{Header: &h})
	for i := range plan {
		b = appendLine(b, line{Plan: &plan[i]})
	}
	if _, err := f.Write(b); err != nil {
		f.Discard()
		return nil, err
	}
	if err := f.Commit(); err != nil {
		return nil, err
	}
	return Open(path)
}

func appendLine(b []byte, l line) []byte {
	data, err := json.Marshal(l)
	if err != nil {
		panic("journal: a line that JSON cannot hold")
	}
	return append(append(b, data...), '\n')
}

// Open opens a journal to go on with it.
func Open(path string) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	j := &Journal{path: path, f: f, byID: map[int64]int{}, byName: map[string]int{}}
	if err := lock(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := j.load(); err != nil {
		f.Close()
		return nil, err
	}
	if err := f.Truncate(j.size); err != nil {
		f.Close()
		return nil, err
	}
	return j, nil
}

// Read opens a journal to read it. Nothing must be added.
func Read(path string) (*Journal, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	j := &Journal{path: path, f: f, byID: map[int64]int{}, byName: map[string]int{}}
	if err := j.load(); err != nil {
		f.Close()
		return nil, err
	}
	return j, nil
}

// lock keeps other processes out until the file is closed or the process ends, however it ends.
func lock(f *os.File) error {
	if errors.Is(filelock.Try(f), filelock.ErrHeld) {
		return errors.New("another run is writing here")
	}
	return nil // some network file systems have no locks; that is no reason to refuse them
}

// load reads all lines up to the last whole one.
func (j *Journal) load() error {
	r := bufio.NewReaderSize(j.f, 1<<16)
	for n := 1; ; n++ {
		data, err := r.ReadBytes('\n')
		if err == io.EOF {
			break // and what there is of a last line was cut off
		}
		if err != nil {
			return err
		}
		if err := j.take(data, n == 1); err != nil {
			if _, after := r.Peek(1); after == io.EOF && n > 1 {
				break // a last line whose blocks never reached the disk
			}
			return fmt.Errorf("%s: line %d: %w", j.path, n, err)
		}
		j.size += int64(len(data))
	}
	if j.header.Format == 0 {
		return fmt.Errorf("%s: not a journal", j.path)
	}
	return nil
}

func (j *Journal) take(data []byte, first bool) error {
	var l line
	if err := json.Unmarshal(data, &l); err != nil {
		return err
	}
	switch {
	case first != (l.Header != nil):
		return errors.New("not a journal")
	case l.Header != nil:
		if l.Header.Format != Format {
			return fmt.Errorf("journal of format %d, want %d", l.Header.Format, Format)
		}
		j.header = *l.Header
	case l.Plan != nil:
		return j.enter(*l.Plan)
	case l.Also != nil || l.Objects != "":
		j.wrote(l.Also, l.Objects)
	case l.Failed != nil:
		return j.set(l.Failed.ID, result{err: l.Failed.Error})
	case l.Done != nil:
		var im export.Image
		if err := json.Unmarshal(l.Done, &im); err != nil {
			return err
		}
		return j.set(im.ID, result{at: j.size, length: int64(len(data)), source: l.Source})
	}
	return nil
}

func (j *Journal) enter(e Entry) error {
	if _, ok := j.byID[e.ID]; ok {
		return fmt.Errorf("two images with the id %d", e.ID)
	}
	if _, ok := j.byName[e.FileName]; ok {
		return fmt.Errorf("two images with the name %q", e.FileName)
	}
	j.byID[e.ID], j.byName[e.FileName] = len(j.plan), len(j.plan)
	j.plan = append(j.plan, e)
	j.results = append(j.results, result{})
	return nil
}

func (j *Journal) set(id int64, r result) error {
	i, ok := j.byID[id]
	if !ok {
		return fmt.Errorf("image %d is not in the plan", id)
	}
	j.results[i] = r
	return nil
}

// Header returns how the results are made.
func (j *Journal) Header() Header { return j.header }

// Saved says whether the run's files have been written in a format, or may have been.
func (j *Journal) Saved(format string) bool {
	return slices.Contains(j.header.Save, format) || slices.Contains(j.also, format)
}

// Formats are those of the run, and those that were written after it.
func (j *Journal) Formats() []string { return append(slices.Clone(j.header.Save), j.also...) }

// Also records formats that are written after the run, before they are, and what GeoJSON's objects are from then on; "": what they were.
func (j *Journal) Also(formats []string, objects string) error {
	var more []string
	for _, f := range formats {
		if !j.Saved(f) {
			more = append(more, f)
		}
	}
	if objects == cmp.Or(j.header.Info.Objects, export.Detection) {
		objects = ""
	}
	if len(more) == 0 && objects == "" {
		return nil
	}
	j.wrote(more, objects)
	return j.write(appendLine(nil, line{Also: more, Objects: objects}))
}

// wrote takes what a line says of formats that were written after the run.
func (j *Journal) wrote(also []string, objects string) {
	j.also = append(j.also, also...)
	switch objects {
	case "":
	case export.Detection:
		j.header.Info.Objects = "" // as Info has it
	default:
		j.header.Info.Objects = objects
	}
}

// Plan returns the images, in the order of the results.
func (j *Journal) Plan() []Entry { return j.plan }

// Entry looks up an image by its name.
func (j *Journal) Entry(name string) (Entry, bool) {
	i, ok := j.byName[name]
	if !ok {
		return Entry{}, false
	}
	return j.plan[i], true
}

// Among says whether an image is among the first n of the plan.
func (j *Journal) Among(id int64, n int) bool {
	i, ok := j.byID[id]
	return ok && i < n
}

// Done says whether there are results of an image, and what it was read from.
func (j *Journal) Done(id int64) (source Source, done bool) {
	i, ok := j.byID[id]
	if !ok {
		return Source{}, false
	}
	return j.results[i].source, j.results[i].length > 0
}

// Find gives what is known about an image; false if that is nothing.
func (j *Journal) Find(id int64) (Record, bool, error) {
	i, ok := j.byID[id]
	if !ok || j.results[i].length == 0 && j.results[i].err == "" {
		return Record{}, false, nil
	}
	if j.results[i].length == 0 {
		return Record{Error: j.results[i].err}, true, nil
	}
	r, err := j.read(j.results[i])
	return r, err == nil, err
}

// Counts gives the number of images with results, of those that failed, and of those that nothing is known about.
func (j *Journal) Counts() (done, failed, open int) {
	for _, r := range j.results {
		switch {
		case r.length > 0:
			done++
		case r.err != "":
			failed++
		default:
			open++
		}
	}
	return done, failed, open
}

// Extend adds images to the plan.
func (j *Journal) Extend(plan []Entry) error {
	var b []byte
	for i := range plan {
		if err := j.enter(plan[i]); err != nil {
			return fmt.Errorf("%s: %w", j.path, err)
		}
		b = appendLine(b, line{Plan: &plan[i]})
	}
	return j.write(b)
}

// Add records the results of an image of the plan, after all its files have been written.
func (j *Journal) Add(p *export.Picture, source Source) error {
	j.buf = p.AppendJSON(j.buf[:0])
	at := j.size
	if err := j.write(appendLine(nil, line{Done: j.buf, Source: source, Thumbnail: p.Thumbnail})); err != nil {
		return err
	}
	return j.set(p.ID, result{at: at, length: j.size - at, source: source})
}

// Fail records why there are no results of an image of the plan. What is known already is not written again.
func (j *Journal) Fail(id int64, reason string) error {
	if i, ok := j.byID[id]; ok && j.results[i].err == reason {
		return nil
	}
	if err := j.write(appendLine(nil, line{Failed: &failed{id, reason}})); err != nil {
		return err
	}
	return j.set(id, result{err: reason})
}

// write appends whole lines. After an error nothing of them is in the file.
func (j *Journal) write(b []byte) error {
	if _, err := j.f.WriteAt(b, j.size); err != nil {
		j.f.Truncate(j.size)
		return err
	}
	j.size += int64(len(b))
	if now := time.Now(); now.Sub(j.synced) > time.Second {
		j.synced = now
		return j.f.Sync()
	}
	return nil
}

// Each visits the finished images in the order of the plan; those without a result are left out.
func (j *Journal) Each(visit func(Entry, Record) error) error {
	for i, e := range j.plan {
		r := j.results[i]
		rec := Record{Error: r.err}
		switch {
		case r.length > 0:
			var err error
			if rec, err = j.read(r); err != nil {
				return fmt.Errorf("%s: %s: %w", j.path, e.FileName, err)
			}
		case r.err == "":
			continue
		}
		if err := visit(e, rec); err != nil {
			return err
		}
	}
	return nil
}

// read reads a line of results again.
func (j *Journal) read(r result) (Record, error) {
	data := make([]byte, r.length)
	if _, err := j.f.ReadAt(data, r.at); err != nil {
		return Record{}, err
	}
	var l line
	if err := json.Unmarshal(bytes.TrimSpace(data), &l); err != nil {
		return Record{}, err
	}
	p, err := export.ParsePicture(l.Done)
	if err != nil {
		return Record{}, err
	}
	p.Thumbnail = l.Thumbnail
	return Record{Picture: p, Source: l.Source}, nil
}

// Close forces the journal to the disk and closes it.
func (j *Journal) Close() error {
	return errors.Join(j.f.Sync(), j.f.Close())
}
