package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/spinemask/spinemask"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/export"
	"github.com/spinemask/spinemask/internal/command/atomicfile"
	"github.com/spinemask/spinemask/internal/command/journal"
	"github.com/spinemask/spinemask/internal/core/kernels"
)

// What --on-existing knows, about a run that the output folder holds already.
const (
	existingOverwrite = "overwrite" // begin again
	existingSkip      = "skip"      // keep what is finished, and do the rest
	existingError     = "error"
)

// A job is an image and its id.
type job struct {
	input
	id int64
}

// header says how the results of this run are made. --fast counts where it has an effect: a run that goes on on another machine is not to mix the two.
func (f *segmentFlags) header(model *spinemask.Model, list []format) (journal.Header, error) {
	sum, err := model.SHA256()
	h := journal.Header{
		Info: export.Info{
			Description: "results of spinemask", Version: version(), Model: model.Config().Name, ModelSHA256: sum,
			MinScore: f.score, NMSIoU: f.nms, MaxDetections: f.max, Classes: f.classes, AsStored: f.exif == exifOff, Fast: f.fast && kernels.Best().HasSplit(),
			Objects: recordedObjects(f.objects, list), NoOverlap: f.noOverlap,
			Scale: f.scale, Tile: f.cut.Size, TileOverlap: f.cut.Overlap, Diameter: f.diameter, PixelSize: f.pixelSize,
		},
		Config:      digest(model.Config()),
		Categories:  export.Categories(model.Config()),
		Save:        namesIn(list),
		Annotations: absoluteName(f.annotations),
		Upright:     f.upright,
	}
	f.pictureFlags.describe(&h.Info)
	return h, err
}

// absoluteName is the path of a file for a run that goes on in another folder; "" stays.
func absoluteName(path string) string {
	if path == "" {
		return ""
	}
	if name, err := filepath.Abs(path); err == nil {
		return name
	}
	return path
}

// digest stands for all that a config says, of which flags about foreign files are a part. What the header says by itself is left out.
func digest(c *config.Config) string {
	rest := *c
	rest.Detections.NMSIoU, rest.Detections.Max = 0, 0
	data, err := json.Marshal(&rest)
	if err != nil {
		panic("a config that JSON cannot hold")
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// begin makes the output folder, or goes on with the run that it holds, before any work is done. It returns the images that are to do.
func (f *segmentFlags) begin(inputs []input, model *spinemask.Model) (*output, []job, error) {
	list, err := findFormats(f.save)
	if err != nil {
		return nil, nil, err
	}
	o := &output{folder: f.out, formats: list, synced: map[string]bool{}}
	h, err := f.header(model, list)
	if err != nil {
		return nil, nil, err
	}
	j, err := f.openJournal(o, h)
	if err != nil {
		return nil, nil, err
	}
	if j == nil {
		o.stems = stems(namesOf(inputs))
		if err := f.protect(o, inputs); err != nil {
			return nil, nil, err
		}
		plan, err := f.plan(inputs, nil)
		if err != nil {
			return nil, nil, err
		}
		if err := o.removeFormer(plan); err != nil {
			return nil, nil, err
		}
		if j, err = journal.Create(o.path(journalFile), h, plan); err != nil {
			return nil, nil, err
		}
	} else {
		o.journal = j
		knownAs(inputs, j)
		err := f.sameIDs(j)
		if err == nil {
			var plan []journal.Entry
			if plan, err = f.plan(inputs, j); err == nil {
				err = o.rename(plan)
			}
			if err == nil {
				err = j.Extend(plan)
			}
		}
		if err != nil {
			j.Close()
			return nil, nil, err
		}
	}
	o.journal = j
	o.nameStems(j.Plan())
	err = f.protect(o, inputs)
	if err == nil {
		err = o.tidy()
	}
	if err != nil {
		j.Close()
		return nil, nil, err
	}
	return o, f.todo(inputs, j), nil
}

// adopt takes the options that the command line does not give from the run in the output folder, if that is to go on.
func (f *segmentFlags) adopt(flags *pflag.FlagSet) error {
	if f.onExisting != existingSkip || f.out == "-" {
		return nil
	}
	j, err := journal.Read(filepath.Join(f.out, journalFile))
	if errors.Is(err, fs.ErrNotExist) {
		if f.resume {
			return hinted{fmt.Errorf("%s holds no run that could go on", f.out), "leave --resume away"}
		}
		return nil
	}
	if err != nil {
		return err
	}
	h := j.Header()
	j.Close()
	if !flags.Changed("save") {
		f.save = h.Save
	}
	if !flags.Changed("score") {
		f.score, f.scoreGiven = h.Info.MinScore, true
	}
	if !flags.Changed("nms") {
		f.nms = h.Info.NMSIoU
	}
	if !flags.Changed("max-detections") {
		f.max = h.Info.MaxDetections
	}
	if !flags.Changed("class") {
		f.classes = h.Info.Classes
	}
	if !slices.ContainsFunc(append(showingNames, "overlap"), flags.Changed) {
		f.showingFlags.adopt(h.Info)
	}
	if !flags.Changed("pixel-size") {
		f.pixelSize = h.Info.PixelSize
	}
	if !flags.Changed("fast") {
		f.fast = h.Info.Fast
	}
	if !flags.Changed("exif") && h.Info.AsStored {
		f.exif = exifOff
	}
	if !flags.Changed("no-overlap") {
		f.noOverlap = h.Info.NoOverlap
	}
	if !flags.Changed("objects") && h.Info.Objects != "" {
		f.objects = h.Info.Objects
	}
	if !flags.Changed("annotations") {
		if f.annotations = h.Annotations; f.annotations != "" && !exists(f.annotations) {
			return hinted{fmt.Errorf("%s: the run in %s has its ids from there, and it is gone", f.annotations, f.out), "--annotations FILE says where it is now; --annotations= goes on without"}
		}
	}
	return f.pictureFlags.adopt(flags, &h.Info)
}

// openJournal opens the journal of the run that is to go on; nil is a new run.
func (f *segmentFlags) openJournal(o *output, h journal.Header) (*journal.Journal, error) {
	file := o.path(journalFile)
	if !exists(file) {
		return nil, nil
	}
	switch f.onExisting {
	case existingError:
		return nil, hinted{fmt.Errorf("%s holds a run already", f.out), "--resume goes on with it, --on-existing overwrite begins again"}
	case existingOverwrite:
		return nil, nil
	}
	j, err := journal.Open(file)
	if err != nil {
		return nil, err
	}
	if d := difference(j.Header(), h); d != "" {
		j.Close()
		return nil, hinted{fmt.Errorf("%s holds a run made otherwise: %s", f.out, d), f.otherwise()}
	}
	return j, nil
}

// difference says in what two runs are made differently.
func difference(was, is journal.Header) string {
	is.Format = was.Format
	if was.Upright == "" { // a folder of before this was kept
		is.Upright = ""
	}
	fields := func(h journal.Header) map[string]string {
		out := map[string]string{}
		for name, part := range map[string]any{"": h.Info, "--save": imageFiles(h.Save), "config": h.Config, "categories": h.Categories, "--exif": h.Upright} {
			data, _ := json.Marshal(part)
			values := map[string]json.RawMessage{name: data}
			if name == "" {
				delete(values, "")
				json.Unmarshal(data, &values)
			}
			for k, v := range values {
				out[k] = string(v)
			}
		}
		return out
	}
	a, b := fields(was), fields(is)
	var list []string
	for k := range a {
		list = append(list, k)
	}
	for k := range b {
		if _, both := a[k]; !both {
			list = append(list, k)
		}
	}
	slices.Sort(list)
	var text []string
	for _, k := range list {
		if a[k] != b[k] {
			text = append(text, fmt.Sprintf("%s %s, not %s", k, orNone(a[k]), orNone(b[k])))
		}
	}
	return strings.Join(text, "; ")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// knownAs gives inputs the names that the journal has for their files: deep/a.png may be named by its path now, as in failures.txt, and was found in a folder.
func knownAs(inputs []input, j *journal.Journal) {
	same := func(in input) bool {
		e, ok := j.Entry(in.name)
		return ok && e.Path == in.path
	}
	if !slices.ContainsFunc(inputs, func(in input) bool { return !same(in) && in.data == nil }) {
		return
	}
	names := map[string]string{} // by the real path, and what tells a picture from others of its file
	for _, e := range j.Plan() {
		label := ""
		if parts := pictureName.FindStringSubmatch(e.FileName); parts != nil {
			label = parts[2]
		}
		names[absolute(e.Path)+pictureMark+label] = e.FileName
	}
	taken := map[string]bool{}
	for _, in := range inputs {
		taken[in.name] = true
	}
	for i, in := range inputs {
		if name, ok := names[absolute(in.path)+pictureMark+in.label]; ok && in.data == nil && !taken[name] {
			inputs[i].name = name
		}
	}
}

func namesOf(inputs []input) []string {
	names := make([]string, len(inputs))
	for i, in := range inputs {
		names[i] = in.name
	}
	return names
}

// plan gives ids to images that the journal does not know. Where a number is taken, one beyond all others is used.
func (f *segmentFlags) plan(inputs []input, known *journal.Journal) ([]journal.Entry, error) {
	names := namesOf(inputs)
	ids := export.IDs(names)
	if f.annotated != nil {
		for i, name := range names {
			ids[i] = f.annotated.ids[name]
		}
	}
	taken := map[int64]bool{}
	last := int64(0)
	take := func(id int64) {
		taken[id] = true
		last = max(last, id)
	}
	if known != nil {
		for _, e := range known.Plan() {
			take(e.ID)
		}
	}
	plan := []journal.Entry{}
	var late []int // in plan
	for i, in := range inputs {
		if known != nil {
			if _, ok := known.Entry(in.name); ok {
				continue
			}
		}
		if taken[ids[i]] {
			late = append(late, len(plan))
		} else {
			take(ids[i])
		}
		plan = append(plan, journal.Entry{ID: ids[i], FileName: in.name, Path: in.path})
	}
	for _, i := range late {
		take(last + 1)
		plan[i].ID = last
	}
	return plan, nil
}

// sameIDs sees to it that the images of the run that goes on have the ids of the data set, if there is one. Those whose files are not among the inputs any more
// are at least to be images of it.
func (f *segmentFlags) sameIDs(j *journal.Journal) error {
	if f.annotated == nil {
		return nil
	}
	known := map[int64]bool{}
	for _, im := range f.annotated.data.Images {
		known[im.ID] = true
	}
	for _, e := range j.Plan() {
		id, named := f.annotated.ids[e.FileName]
		file := f.annotated.data.File
		switch {
		case named && id != e.ID:
			return hinted{fmt.Errorf("%s holds a run in which %s is image %d; in %s it is %s", f.out, e.FileName, e.ID, file, f.annotated.data.ImageName(id)), f.otherwise()}
		case !named && !known[e.ID]:
			return hinted{fmt.Errorf("%s holds a run in which %s is image %d, which %s does not have", f.out, e.FileName, e.ID, file), f.otherwise()}
		}
	}
	return nil
}

// otherwise is the advice where a folder holds results that do not belong together with those of this run.
func (f *segmentFlags) otherwise() string {
	if f.evaluates {
		return "use the same options and data, or another folder with --keep"
	}
	return "use the same options and data, another folder, or --on-existing overwrite"
}

// todo lists the images without results, and those whose files have changed. Results whose files are not there any more are kept.
func (f *segmentFlags) todo(inputs []input, j *journal.Journal) []job {
	var list []job
	for _, in := range inputs {
		e, ok := j.Entry(in.name)
		was, done := j.Done(e.ID)
		if kept := done && (was.SameAs(in.source, in.hash) || errors.Is(in.err, fs.ErrNotExist)); ok && !kept {
			list = append(list, job{in, e.ID})
		}
	}
	return list
}

// tidy removes what killed runs have left of files that this one writes, or may have written.
func (o *output) tidy() error {
	names := []string{journalFile, imagesFile, failuresFile}
	for _, f := range formats {
		if f.folder != "" {
			names = append(names, f.folder)
		}
		for _, r := range f.files {
			names = append(names, r.name)
		}
	}
	for _, name := range names {
		if err := atomicfile.RemoveTemporary(o.path(name)); err != nil {
			return err
		}
	}
	return nil
}

// protect sees to it that no file that is read is written.
func (f *segmentFlags) protect(o *output, inputs []input) error {
	reads := map[string]bool{}
	for _, in := range inputs {
		reads[absolute(in.path)] = true
	}
	writes := []string{o.path(journalFile), o.path(imagesFile), o.path(failuresFile)}
	for _, f := range o.formats {
		for _, r := range f.files {
			writes = append(writes, o.path(r.name))
		}
		for _, in := range inputs {
			if f.folder != "" && f.instance == nil {
				writes = append(writes, o.place(f, in.name))
			}
			if f.name == yoloFormat && in.selection != "" {
				writes = append(writes, o.part(in.name))
			}
		}
	}
	if f.jsonl != "" && f.jsonl != "-" {
		writes = append(writes, f.jsonl)
	}
	for _, w := range writes {
		if reads[absolute(w)] {
			return hinted{fmt.Errorf("%s is an input, it would be overwritten", w), "choose another output folder with -o"}
		}
	}
	return nil
}
