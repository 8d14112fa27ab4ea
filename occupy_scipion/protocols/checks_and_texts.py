# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the form, warnings, summary and methods: the same for all protocols."""

from __future__ import annotations

from occupy_core.comparing.each_map import index_of_named_map
from occupy_core.comparing.shared_scale import shares_reference
from occupy_core.errors import SettingsError
from occupy_core.modify.histogram_matching import require_scikit_image
from occupy_core.settings.job_spec import MapInput
from occupy_scipion import report, texts
from occupy_scipion.checks import (
    bold_label,
    cropping_warnings,
    different_grids,
    grid_problems,
    not_density,
    unreadable_maps,
    unused_warnings,
)
from occupy_scipion.constants import REFERENCE
from occupy_scipion.form import problem_text, problem_texts
from occupy_scipion.sources import is_classification, is_set, removed_input
from occupy_scipion.waiting import waiting_lines


class ChecksAndTexts:
    """The methods of a protocol that Scipion calls for checks and texts; `ProtOccupyBase` has the others."""

    def _validate(self):
        try:
            settings = self._settings()
            if settings.hist_match:
                require_scikit_image()
        except SettingsError as error:
            return problem_texts(error)
        removed = removed_input(self.inputVolumes)
        if removed:
            return [f"*{self._input_label}*: {removed}"]
        if self.inputVolumes.get() is None:
            return []  # Scipion reports this itself
        sources = self._sources()
        if not sources:
            return [f"*{self._input_label}*: the set is empty, expected at least one map"]
        chosen = self._input_object()
        is_classes = is_classification(chosen)
        wrong = "" if is_classes else not_density(chosen.getFirstItem() if is_set(chosen) else chosen)
        if wrong:
            return [f"*{self._input_label}*: {wrong}"]
        errors = [f"*{self._input_label}*: {text}" for text in unreadable_maps(sources)]
        for setting, pointers in self._mask_pointers().items():
            lost = [pointer.getUniqueId() for pointer in pointers if pointer.hasValue() and pointer.get() is None]
            errors += [
                f"{bold_label(setting)}: {lost_id}: no such output; run its protocol first, or choose another mask"
                for lost_id in lost
            ]
        return errors or self._input_problems(settings, sources) or grid_problems(settings, sources[0], self._masks())

    def _input_problems(self, settings, sources):
        """Return the problems of the set of maps, for instance maps on different grids."""
        maps = [MapInput(item.path, class_info=item.class_info) for item in sources]
        if not shares_reference(maps, settings):
            return []
        try:
            index_of_named_map(maps, settings)
        except SettingsError as error:
            return [problem_text(error)]
        return [f"*{self._input_label}*: {text}" for text in different_grids(sources)]

    def _warnings(self):
        try:
            settings = self._settings()
        except SettingsError:
            return []  # `_validate` reports this
        unused = unused_warnings(settings)
        if self.inputVolumes.get() is None or removed_input(self.inputVolumes):
            return unused
        maps, _, about_input = self._classification()
        cropped = cropping_warnings(settings, maps[0]) if maps else []
        return [*unused, *cropped, *(f"*{self._input_label}*: {text}" for text in about_input)]

    def checkSummaryWarnings(self):
        super().checkSummaryWarnings()
        for text in [*(report.lines_of(self._getExtraPath(), texts.failed_lines) or []), *self._waiting()]:
            self.addSummaryWarning(text)

    def _waiting(self):
        """Return a line for each protocol that waits without end for an output of this run."""
        return waiting_lines(self) if self.isFinished() else []

    def _summary(self):
        lines = report.lines_of(self._getExtraPath(), texts.summary_lines)
        if lines is not None:
            # Scipion shows the warnings below; they may be older than the end of this run.
            waiting = [f"Warning: {text}" for text in self._waiting() if text not in self.summaryWarnings]
            return [*waiting, *lines]
        try:
            return [self._plan_text(), "No results yet."]
        except SettingsError as error:
            return [problem_text(error)]

    def _plan_text(self):
        return texts.plan_text(self._settings())

    def _methods(self):
        lines = report.lines_of(self._getExtraPath(), lambda results: [texts.methods_text(results)])
        return lines or ["Run the protocol to get this text."]

    def _citations(self):
        return [REFERENCE]
