package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// Flags that a file of settings cannot have.
var notSettings = map[string]bool{"config": true, "print-config": true, "help": true}

// flagWord is a flag as it is given.
func flagWord(f *pflag.Flag) string { return strings.TrimSuffix("--"+f.Name+"="+flagText(f), "=true") }

// flagText is the value of a flag as it is given.
func flagText(f *pflag.Flag) string {
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return strings.Join(list.GetSlice(), ",")
	}
	return f.Value.String()
}

// writeConfig prints all flags with their values, in the form that readConfig reads:
//
//	# keep instances with at least this score
//	score = 0.5
func writeConfig(w io.Writer, flags *pflag.FlagSet) error {
	var err error
	flags.VisitAll(func(f *pflag.Flag) {
		if err != nil || notSettings[f.Name] {
			return
		}
		_, usage := pflag.UnquoteUsage(f)
		mark := ""
		if !f.Changed {
			mark = "# " // a comment, so that the model and later versions may decide
		}
		_, err = fmt.Fprintf(w, "# %s\n%s%s = %s\n\n", usage, mark, f.Name, flagText(f))
	})
	return err
}

// readConfig sets the flags that a file names and that the command line does not.
func readConfig(flags *pflag.FlagSet, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return reason(file, err)
	}
	defer f.Close()
	given := map[string]bool{}
	flags.Visit(func(f *pflag.Flag) { given[f.Name] = true })
	scanner := bufio.NewScanner(f)
	for n := 1; scanner.Scan(); n++ {
		line := strings.TrimSpace(scanner.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok {
			return fmt.Errorf("%s:%d: want flag = value", file, n)
		}
		known := flags.Lookup(name)
		if known == nil || notSettings[known.Name] {
			return unknownSetting(flags, file, n, name)
		}
		if given[known.Name] {
			continue
		}
		if err := flags.Set(name, value); err != nil {
			return fmt.Errorf("%s:%d: %w", file, n, valueError(err))
		}
	}
	return scanner.Err()
}

func unknownSetting(flags *pflag.FlagSet, file string, n int, name string) error {
	err := fmt.Errorf("%s:%d: no flag %q", file, n, name)
	var names []string
	flags.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := nearest(name, names); near != "" {
		return hinted{err, "did you mean " + near + "?"}
	}
	return err
}
