package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/internal/command/trials"
	"github.com/spinemask/spinemask/search"
	"github.com/spinemask/spinemask/search/proxy"
)

// searchFormat is the version of the folder.
const searchFormat = 1

// A searchHeader is everything that decides which architectures are proposed and how they score.
type searchHeader struct {
	Format      int        `json:"format"`
	Data        string     `json:"data"` // path, absolute
	Images      string     `json:"images,omitempty"`
	DataSHA256  string     `json:"data_sha256"` // of what is marked
	Held        []string   `json:"held_out"`
	Controller  string     `json:"controller"`
	Space       string     `json:"allocation"`
	Band        [2]float64 `json:"band"`                     // in multiply-adds of SpineNet-49
	MACs        int64      `json:"spinenet49_multiply_adds"` // of its RetinaNet, at the published size
	Steps       int        `json:"steps"`
	Batch       int        `json:"batch"`
	Size        int        `json:"size"`
	Seed        uint64     `json:"seed"`
	Evaluations int        `json:"evaluations,omitempty"` // that were asked for; 0: as many as there is time for
}

// fullSide is the published size of SpineNet-49's input: architectures cost what they cost there.
const fullSide = 640

// header is that of the flags, but for what the data say.
func (f *searchFlags) header() (*searchHeader, error) {
	h := &searchHeader{Format: searchFormat, Controller: f.controller, Space: f.space, Steps: f.steps, Batch: f.batch, Size: f.size, Seed: f.seed}
	if f.minutes == 0 || f.given("evaluations") {
		h.Evaluations = f.evaluations
	}
	if !slices.Contains(search.Controllers(), h.Controller) {
		return nil, fmt.Errorf("--controller %q: want %s", h.Controller, strings.Join(search.Controllers(), ", "))
	}
	if search.NamedSpace(h.Space) == nil {
		return nil, fmt.Errorf("--allocation %q: want %s", h.Space, strings.Join(search.Spaces(), ", "))
	}
	if n, err := fmt.Sscanf(f.band+" ", "%g-%g ", &h.Band[0], &h.Band[1]); n != 2 || err != nil || !(h.Band[0] >= 0 && h.Band[1] > h.Band[0]) {
		return nil, fmt.Errorf("--band %q: want two rising numbers, such as 0.8-1.2", f.band)
	}
	const multiple = 128 // of the input of a network with a level 7
	if h.Size%multiple != 0 || h.Size > 2048 {
		return nil, fmt.Errorf("--size %d: want a multiple of %d, at most 2048", h.Size, multiple)
	}
	var err error
	if h.Data, err = filepath.Abs(f.data); err == nil && f.images != "" {
		h.Images, err = filepath.Abs(f.images)
	}
	if err != nil {
		return nil, err
	}
	return h, h.count()
}

// count fills in what SpineNet-49 costs.
func (h *searchHeader) count() error {
	c, err := config.ScalePermuted("spinenet49")
	if err != nil {
		return err
	}
	b, err := fullBand()
	if err != nil {
		return err
	}
	h.MACs, err = b.MACs(c.Backbone.Table())
	return err
}

// fullBand counts a RetinaNet on a block table, with SpineNet-49's widths and published size. It has no limits yet.
func fullBand() (*search.Band, error) {
	c, err := config.TF2RetinaNet("49")
	return &search.Band{Config: c, Side: fullSide}, err
}

// problem is the space within the band.
func (h *searchHeader) problem() (*search.Space, error) {
	s := search.NamedSpace(h.Space)
	if s == nil {
		return nil, fmt.Errorf("allocation %q, want one of %q", h.Space, search.Spaces())
	}
	b, err := fullBand()
	b.Min, b.Max = int64(h.Band[0]*float64(h.MACs)), int64(h.Band[1]*float64(h.MACs))
	s.Band = b
	return s, err
}

func parseSearchHeader(data []byte, folder string) (*searchHeader, error) {
	h := new(searchHeader)
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err := d.Decode(h)
	if err == nil && h.Format != searchFormat {
		err = fmt.Errorf("format %d, want %d", h.Format, searchFormat)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(folder, trials.HeaderFile), err)
	}
	return h, nil
}

// readData reads the data set and holds a part out.
func (r *searchRun) readData() error {
	h := r.header
	set, err := dataset.Open(h.Data, dataset.Options{Images: h.Images})
	if err != nil {
		return advised(err)
	}
	problems := dataset.Check(set, nil, dataset.CheckOptions{})
	if n := sayProblems(r.talk, problems, false); n > 0 {
		return fmt.Errorf("%s: errors in the data, see above", h.Data)
	}
	sum := set.SHA256()
	if h.DataSHA256 != "" && h.DataSHA256 != sum {
		return hinted{fmt.Errorf("%s: the search was begun with other data: their SHA-256 was %.16s…, now it is %.16s…", h.Data, h.DataSHA256, sum), "-o with another folder begins anew"}
	}
	if r.task, err = proxy.New(set, proxy.Options{Steps: h.Steps, Batch: h.Batch, Size: h.Size, Seed: h.Seed, MemoryLimit: availableMemory()}); err != nil {
		return err
	}
	h.DataSHA256, h.Held = sum, setNames(r.task.Held)
	r.talk.say("data     %s: %d images to learn from, %d held out, classes %s", set.Kind, len(r.task.Train.Images), len(r.task.Held.Images), some(set.Titles(), 12))
	if r.task.Zoom > 1 {
		r.talk.say("         objects are small: of each picture a part is shown, magnified %.2g times", r.task.Zoom)
	}
	return nil
}

// create makes the folder.
func (r *searchRun) create() error {
	data, err := json.MarshalIndent(r.header, "", "  ")
	if err != nil {
		return err
	}
	r.trials, err = trials.Create(r.folder, append(data, '\n'))
	if errors.Is(err, fs.ErrExist) {
		return hinted{fmt.Errorf("%s holds a search already", r.folder), "spinemask search --resume " + quoted(r.folder) + " goes on with it; or choose another folder with -o"}
	}
	return err
}

// open reads what the search in a folder is, and its data.
func (r *searchRun) open() error {
	data, _, err := trials.Read(r.folder)
	if errors.Is(err, fs.ErrNotExist) {
		return hinted{fmt.Errorf("%s holds no search that could go on", r.folder), "spinemask search DATA -o " + quoted(r.folder) + " begins one"}
	}
	if err != nil {
		return err
	}
	if r.header, err = parseSearchHeader(data, r.folder); err != nil {
		return err
	}
	if r.header.Evaluations == 0 && !r.flags.given("evaluations") && r.flags.minutes == 0 {
		return hinted{errors.New("the search was begun without a number of evaluations"), "add --minutes, for how long to go on, or --evaluations"}
	}
	if err := r.readData(); err != nil {
		return err
	}
	r.trials, err = trials.Open(r.folder)
	return err
}
