package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spinemask/spinemask/export"
	"github.com/spinemask/spinemask/internal/command/journal"
)

// mergeRun is a merge.
type mergeRun struct {
	filter
	out     string
	save    []string
	objects string // of GeoJSON; "": as the runs had it
}

func newMerge(t *talk) *cobra.Command {
	var m mergeRun
	cmd := &cobra.Command{
		Use:   "merge RUN… -o FOLDER",
		Short: "Join finished runs to one, filter it, or write it in more formats",
		Long: `Join runs to one, keep a part of what they found, or write one in more formats,
without running the network again. A RUN is an output folder of segment. The runs
must have been made with the same model and the same options. An image of several
runs is taken from the last one that has results of it.

--score, --class and --max-detections keep a part of the instances, the last one the
best of an image. (segment --max-detections says how many the model finds, in every
tile and before --class.) If the output folder is that of the run itself, the rest
is gone from it, and so are files that cannot be made again from the rest.

Formats that need the pixels of the images cannot be made: overlay, cutouts and
crops; a report has pictures if the runs had one.`,
		Example: `  spinemask merge monday tuesday -o week --save coco,report
  spinemask merge out -o out --save csv,labelme
  spinemask merge out -o best --score 0.95 --save csv,geojson`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if m.out == "" {
				return hinted{errors.New("no output folder"), "add -o out"}
			}
			if err := positive(cmd.Flags()); err != nil {
				return err
			}
			if err := m.check(); err != nil {
				return err
			}
			if err := checkObjects(m.objects); err != nil {
				return err
			}
			if !cmd.Flags().Changed("objects") {
				m.objects = ""
			}
			list, err := findFormats(m.save)
			if err != nil {
				return err
			}
			for _, f := range list {
				if f.photo {
					return hinted{fmt.Errorf("--save %s needs the images", f.name), "spinemask segment makes it"}
				}
			}
			return m.run(t, args, list)
		},
	}
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringVarP(&m.out, "out", "o", "", "output `folder`; the folder of a single run may stay its own")
	fl.StringSliceVar(&m.save, "save", []string{"coco"}, "`formats` to write: "+formatNames())
	m.flags(fl)
	objectsFlag(fl, &m.objects)
	return cmd
}

// merged is an image and the run that its result is taken from.
type merged struct {
	journal.Entry
	from   *journal.Journal
	source journal.Source
	found  bool
}

func (m *mergeRun) run(t *talk, folders []string, list []format) error {
	var runs []*journal.Journal
	var header journal.Header
	for i, folder := range folders {
		own := absolute(folder) == absolute(m.out)
		if own && len(folders) > 1 {
			return hinted{fmt.Errorf("%s is one of the runs", m.out), "choose another output folder with -o"}
		}
		j, err := openRun(folder, journal.Read)
		if err != nil {
			return err
		}
		defer j.Close()
		h, err := m.header(folder, j.Header())
		if err != nil {
			return err
		}
		if err := checkTurned(namesIn(list), h.Info.AsStored); err != nil {
			return err
		}
		if own {
			return m.rewriteOwn(t, folder, list)
		}
		h.Save, h.Info.Objects = namesIn(list), recordedObjects(cmp.Or(m.objects, h.Info.Objects), list)
		if i == 0 {
			header = h
		} else if d := difference(header, h); d != "" {
			return fmt.Errorf("%s and %s were made differently: %s", folders[0], folder, d)
		}
		runs = append(runs, j)
	}
	if len(runs) > 1 {
		header.Annotations = "" // images may get other ids
	}
	o := &output{folder: m.out, formats: list}
	return m.join(t, o, header, runs)
}

// join makes one run of several in a folder.
func (m *mergeRun) join(t *talk, o *output, header journal.Header, runs []*journal.Journal) error {
	images, err := mergePlans(runs)
	if err != nil {
		return err
	}
	plan := make([]journal.Entry, len(images))
	from := map[string]*journal.Journal{}
	for i, m := range images {
		plan[i], from[m.FileName] = m.Entry, m.from
	}
	o.nameStems(plan)
	if err := o.removeFormer(plan); err != nil {
		return err
	}
	if o.journal, err = journal.Create(o.path(journalFile), header, plan); err != nil {
		return err
	}
	defer o.journal.Close()
	for _, j := range runs {
		if err := m.copy(o.journal, j, func(e journal.Entry) bool { return from[e.FileName] == j }); err != nil {
			return err
		}
	}
	return o.rewrite(t)
}

// copy adds the results of the images that are wanted to another journal, through the filter.
func (m *mergeRun) copy(to, from *journal.Journal, wanted func(journal.Entry) bool) error {
	return from.Each(func(e journal.Entry, r journal.Record) error {
		if !wanted(e) {
			return nil
		}
		target, _ := to.Entry(e.FileName)
		if r.Picture == nil {
			return to.Fail(target.ID, r.Error)
		}
		r.Picture.ID = target.ID
		m.apply(r.Picture)
		return to.Add(r.Picture, r.Source)
	})
}

// rewriteOwn writes a run in more formats into its own folder. Through a filter, it becomes another run: also the files that it had are made again, or removed.
func (m *mergeRun) rewriteOwn(t *talk, folder string, list []format) error {
	if m.isSet() {
		var err error
		if list, err = m.filterOwn(t, folder, list); err != nil {
			return err
		}
	}
	j, err := openRun(folder, journal.Open)
	if err != nil {
		return err
	}
	defer j.Close()
	objects := ""
	if slices.Contains(namesIn(list), geoJSONFormat) {
		objects = m.objects
	}
	if err := j.Also(namesIn(list), objects); err != nil {
		return err
	}
	o := &output{folder: folder, formats: list, journal: j}
	o.nameStems(j.Plan())
	return o.rewrite(t)
}

// filterOwn puts a filtered journal in the place of a run's own when it is complete, and gives the formats to write.
func (m *mergeRun) filterOwn(t *talk, folder string, list []format) ([]format, error) {
	j, err := openRun(folder, journal.Open)
	if err != nil {
		return nil, err
	}
	defer j.Close()
	h, err := m.header(folder, j.Header())
	if err != nil {
		return nil, err
	}
	var again []format
	var lost []string
	for _, f := range formats {
		switch saved := j.Saved(f.name); {
		case saved && f.photo:
			lost = append(lost, f.name)
		case saved, slices.ContainsFunc(list, func(l format) bool { return l.name == f.name }):
			again = append(again, f)
		}
	}
	h.Save = slices.DeleteFunc(slices.Clone(h.Save), func(name string) bool { return slices.Contains(lost, name) })
	o := &output{folder: folder, formats: again}
	o.nameStems(j.Plan())
	next := o.path(fmt.Sprintf(".%s.%d.tmp", journalFile, os.Getpid()))
	filtered, err := journal.Create(next, h, j.Plan())
	if err != nil {
		return nil, err
	}
	err = m.copy(filtered, j, func(journal.Entry) bool { return true })
	if closeErr := filtered.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(next)
		return nil, err
	}
	if err := o.removeWritten(j, j.Plan()); err != nil {
		return nil, err
	}
	j.Close() // some systems do not replace an open file
	if err := os.Rename(next, o.path(journalFile)); err != nil {
		return nil, err
	}
	if len(lost) > 0 {
		t.say("removed %s, which showed what is filtered out: spinemask segment makes them again", strings.Join(lost, ", "))
	}
	return again, nil
}

// openRun opens the journal of a run's folder.
func openRun(folder string, open func(string) (*journal.Journal, error)) (*journal.Journal, error) {
	j, err := open(filepath.Join(folder, journalFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hinted{fmt.Errorf("%s holds no run", folder), "a run is an output folder of spinemask segment"}
	}
	return j, err
}

// mergePlans lists the images of all runs in their order. Ids stay what they are if they are distinct.
func mergePlans(runs []*journal.Journal) ([]*merged, error) {
	byName := map[string]*merged{}
	var list []*merged
	for _, j := range runs {
		err := j.Each(func(e journal.Entry, r journal.Record) error {
			m, ok := byName[e.FileName]
			if !ok {
				m = &merged{Entry: e}
				byName[e.FileName] = m
				list = append(list, m)
			}
			found := r.Picture != nil
			if found && m.found && !sameContent(r.Source, m.source) {
				return fmt.Errorf("two different images are named %s (%s and %s)", e.FileName, m.File(), e.File())
			}
			if found || !m.found {
				m.from, m.found, m.source, m.Path, m.Folder = j, found, r.Source, e.Path, e.Folder
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	ids := map[int64]bool{}
	names := make([]string, len(list))
	for i, m := range list {
		ids[m.ID] = true
		names[i] = m.FileName
	}
	if len(ids) < len(list) {
		for i, id := range export.IDs(names) {
			list[i].ID = id
		}
	}
	return list, nil
}

// sameContent says whether two runs have read the same, as far as they know.
func sameContent(a, b journal.Source) bool {
	return a.Bytes == b.Bytes && (a.SHA256 == b.SHA256 || a.SHA256 == "" || b.SHA256 == "")
}

// rewrite makes the files of a whole run from its journal.
func (o *output) rewrite(t *talk) error {
	parts := 0 // pictures of which only the whole file is at hand
	err := o.journal.Each(func(e journal.Entry, r journal.Record) error {
		if p := r.Picture; p != nil && slices.ContainsFunc(p.Instances, func(in export.Instance) bool { return !in.HasMask() }) {
			if err := needMasks(o.formats); err != nil {
				return err
			}
		}
		if r.Picture != nil && r.Picture.Selection != "" {
			parts++
		}
		for _, f := range o.formats {
			if f.folder == "" || r.Picture == nil {
				continue
			}
			if err := o.write(f, r.Picture, e.File()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	run, instances, err := o.finish()
	if err != nil {
		return err
	}
	if parts > 0 && slices.Contains(namesIn(o.formats), labelmeFormat) {
		t.say("labelme shows the first page of a file, which may not be the picture of %d results; spinemask segment --save labelme writes files that hold it", parts)
	}
	t.say("%d images, %d instances, %d failures", len(run.Images), instances, len(run.Failures))
	t.say("wrote %s", strings.Join(o.wrote(len(run.Images)), ", "))
	return nil
}
