// Every code, in the order of the groups. The texts are what people read: keep them short and true.
#include <algorithm>

#include "core/finding/judge.h"

namespace countersign::finding {
namespace {

using v1::Finding;

constexpr std::string_view kState = "State";
constexpr std::string_view kScale = "Scale";
constexpr std::string_view kIrrecoverable = "Irrecoverable";
constexpr std::string_view kMixed = "Mixed";
constexpr std::string_view kRunsCode = "Runs code";
constexpr std::string_view kSeems = "Not what it seems";
constexpr std::string_view kAccess = "Access";
constexpr std::string_view kCommands = "Commands";

constexpr std::string_view kAdopt =
    "Find the right state and plan again; if this one is right, have an admin adopt it for the target.";
constexpr std::string_view kPlanAgain = "Plan again and submit the file as Terraform wrote it.";
constexpr std::string_view kReadCode = "Read the code at these places, and approve only what you understand.";

std::vector<RuleDescription> State() {
  return {
      {"state-missing", Finding::CRITICAL, kState,
       "The plan was made without a state, and the target is known to have resources. Such a plan creates "
       "everything a second time.",
       kAdopt, true},
      {"state-lineage-changed", Finding::CRITICAL, kState,
       "The plan was made on a state of another origin than the target's: another project's, or a new one.",
       kAdopt, true},
      {"state-serial-regressed", Finding::CRITICAL, kState,
       "The plan was made on an older version of the target's state, such as a copy from a backup or another "
       "machine.",
       kAdopt, true},
      {"state-content-differs", Finding::CRITICAL, kState,
       "Lineage and serial are those that are known, and the resources in the state are not: it was edited.",
       kAdopt, true},
      {"creates-known-resources", Finding::CRITICAL, kState,
       "The plan creates what the target is known to have. Either the state is wrong, or it would make a "
       "second "
       "one.",
       "Find out why the state does not have them; import them, or have an admin adopt the state.", true},
      {"imports-known-resources", Finding::HIGH, kState,
       "The plan imports what the target is known to have. What its state said of them is not there to be "
       "compared with, so a protection that goes may not be seen.",
       "Find out why the state does not have them, and look at what they are set to now.", false},
      {"state-shrunk", Finding::HIGH, kState,
       "Resources that the target is known to have are not in the state any more, and no run that is known "
       "of "
       "removed them.",
       "Find out who took them out of the state, and import what still exists."},
      {"state-advanced-elsewhere", Finding::WARNING, kState,
       "The state is newer than the last run that was reported: somebody applied outside of the broker.",
       "Find out who changed it; have an admin adopt the state once it is clear."},
      {"backend-changed", Finding::HIGH, kState,
       "The plan keeps the state elsewhere than before. Terraform takes the place from the plan, not from "
       "the "
       "directory.",
       "Make sure that the state was moved on purpose, then have an admin adopt it."},
      {"workspace-changed", Finding::HIGH, kState,
       "The plan was made in another workspace than the target's. Terraform before 1.15 does not notice.",
       "Select the target's workspace and plan again."},
      {"backend-local", Finding::HIGH, kState,
       "The state is a file on the machine that applies. Whoever has another copy has another truth.",
       "Move the state to a backend that is shared, versioned and locked."},
      {"target-first-seen", Finding::HIGH, kState,
       "Nothing is remembered of the target, so a wrong state cannot be told from the right one.",
       "Compare the resources with what you know to be there; an admin can adopt the state first."},
      {"drift", Finding::WARNING, kState,
       "Resources were changed or deleted outside of Terraform since the last apply.",
       "Find out who changed them, and whether the plan undoes it on purpose."},
      {"gone-not-recreated", Finding::HIGH, kState,
       "The plan says that resources are gone, and makes none in their place. Nobody but the plan says so, "
       "and "
       "afterwards Terraform knows them no more.",
       "Look whether they really are gone before you approve."},
  };
}

std::vector<RuleDescription> Scale() {
  return {
      {"destroys-everything", Finding::CRITICAL, kScale,
       "The plan deletes every resource that the state has.",
       "Make sure that this is meant and that the state is the one you think; policy has to permit it.",
       true},
      {"mass-delete", Finding::HIGH, kScale,
       "At least ten resources are deleted or replaced, or at least three that are 30 % of the state.",
       "Read every address. If it is more than you expected, do not approve."},
      {"deletes", Finding::WARNING, kScale, "Resources are deleted.", "Read every address."},
      {"replaces", Finding::WARNING, kScale,
       "Resources are deleted and made anew; what they hold goes with the old ones.",
       "See which attribute forces it, and whether it can be avoided."},
      {"forgets", Finding::HIGH, kScale,
       "Resources leave the state and stay in the cloud, where nobody looks after them.",
       "Make sure that somebody else looks after them from now on."},
      {"deposed-deletes", Finding::WARNING, kScale,
       "Objects that an earlier, interrupted replacement left behind are deleted.",
       "Make sure that the new object works before the old one goes."},
      {"imports", Finding::WARNING, kScale, "Objects that exist already come under Terraform's care.",
       "Make sure that each id is the object that you think it is."},
      {"moves", Finding::INFO, kScale, "Resources get another address and are otherwise the same.",
       "Nothing, if the new addresses are right."},
      {"nothing-to-do", Finding::INFO, kScale, "The plan changes nothing.", "There is no need to apply it."},
  };
}

std::vector<RuleDescription> Irrecoverable() {
  return {
      {"stateful-delete", Finding::CRITICAL, kIrrecoverable,
       "Something that holds data is deleted, alone or in a replacement.",
       "Make sure that a backup exists that does not go with it, and that somebody has restored it."},
      {"final-snapshot-skipped", Finding::CRITICAL, kIrrecoverable,
       "It is deleted without a last snapshot, or it is not known whether one is made.",
       "Have a final snapshot made: apply that setting first, then delete in a second plan."},
      {"automated-backups-deleted", Finding::CRITICAL, kIrrecoverable,
       "The provider deletes the automated backups: together with the resource, which often is its default, "
       "or "
       "at once, when they are to be kept for no time at all.",
       "Keep the automated backups: apply that setting first, or make a snapshot that stands by itself.",
       true},
      {"backups-deleted-with-source", Finding::CRITICAL, kIrrecoverable,
       "Backups, snapshots or versions are deleted in the same plan as what they are of.",
       "Take the backups out of this plan and keep them in a state of their own.", true},
      {"backups-in-same-state", Finding::HIGH, kIrrecoverable,
       "Data is deleted, and backups are in the same state, where one destroy takes both.",
       "Keep backups in a state of their own, in an account of their own."},
      {"bucket-force-destroy", Finding::CRITICAL, kIrrecoverable,
       "A bucket or the like is deleted, or may be from now on, with all that is in it.",
       "Set force_destroy to false and empty it on purpose."},
      {"key-deletion", Finding::CRITICAL, kIrrecoverable,
       "An encryption key, a key vault or a certificate authority is deleted.",
       "Find everything that was encrypted with it first; disable the key before you delete it."},
      {"protection-removed", Finding::CRITICAL, kIrrecoverable,
       "Something that guards against loss is weakened or taken away: deletion protection, prevent_destroy, "
       "versioning, retention, locks, backup plans. So are rules that remove data after a while, when they "
       "are "
       "new or take in more.",
       "Ask what the next plan will delete. Leave the protection where it is unless that is meant."},
      {"unfamiliar-delete", Finding::WARNING, kIrrecoverable,
       "Something is deleted of a provider that this broker knows nothing about.",
       "Find out whether it holds data."},
  };
}

std::vector<RuleDescription> Mixed() {
  return {
      {"mixed-environments", Finding::HIGH, kMixed,
       "Names in one plan or state speak of two environments, or of another one than the target's.",
       "Make sure that this is the right target; keep environments in states of their own."},
      {"unrelated-resources", Finding::HIGH, kMixed,
       "The plan or its state holds modules or resources that this target never had.",
       "Make sure that they belong to this target and not to another project."},
  };
}

std::vector<RuleDescription> RunsCode() {
  return {
      {"provisioner", Finding::HIGH, kRunsCode,
       "The configuration in the plan has provisioners: they run commands when it is applied.", kReadCode},
      {"external-program", Finding::HIGH, kRunsCode,
       "The configuration in the plan runs a program on the machine that applies it.", kReadCode},
      {"action-invocation", Finding::HIGH, kRunsCode,
       "The plan invokes actions of providers, which have effects beside the changes of resources.",
       kReadCode},
      {"provider-changed", Finding::HIGH, kRunsCode,
       "A provider is configured otherwise than before: the same changes can go to another account.",
       "Compare the provider's configuration with the last one."},
      {"module-source-changed", Finding::HIGH, kRunsCode,
       "A module comes from elsewhere or in another version.",
       "Make sure that the source and the version are meant."},
      {"lock-file-changed", Finding::HIGH, kRunsCode,
       "The dependency lock file differs: other providers, versions or packages will run.",
       "Make sure that the providers were updated on purpose."},
      {"configuration-changed", Finding::INFO, kRunsCode,
       "The configuration in the plan differs from that of the last one.",
       "See that the changes were reviewed."},
      {"reads-runner-files", Finding::HIGH, kRunsCode,
       "The configuration reads files or the environment of the machine that applies it.", kReadCode},
      {"reaches-out", Finding::WARNING, kRunsCode,
       "The configuration fetches from other places, or sends values where nothing records them.", kReadCode},
  };
}

std::vector<RuleDescription> Seems() {
  return {
      {"before-differs-from-state", Finding::CRITICAL, kSeems,
       "What the plan says was there is not what its own state says. Terraform never writes such a plan: it "
       "was "
       "edited, and what is deleted may not be what its address says.",
       kPlanAgain, true},
      {"state-object-without-change", Finding::CRITICAL, kSeems,
       "The state has objects that the plan has no entry for, or that are others than in the state before it "
       "was refreshed, with no entry that says how. Terraform never writes such a plan.",
       kPlanAgain, true},
      {"provider-differs-from-state", Finding::HIGH, kSeems,
       "Acts on objects through another configuration of a provider than the one that their state names, so "
       "another account can have something of the same name.",
       "Make sure that the resource was given another provider on purpose."},
      {"drift-weakens", Finding::HIGH, kSeems,
       "Protection, backups or access were made weaker since the last run, by somebody outside of Terraform "
       "or by "
       "who wrote it into the plan as if it were so, and the plan leaves it.",
       "Look at the real resource. If it is as it was, the plan was edited."},
      {"data-changed", Finding::HIGH, kSeems,
       "Data sources say otherwise than in the last state. What they say goes into providers and into "
       "programs "
       "that are run, and only the plan says it.",
       "Compare what they say with the real thing, or let the runner plan again with exec --replan."},
      {"changes-omitted", Finding::HIGH, kSeems,
       "There is more than is read of one resource, or of all of them together: what is left out is not "
       "judged.",
       "Plan fewer resources at once, or find out what the others are."},
      {"plan-errored", Finding::CRITICAL, kSeems,
       "Planning ended with an error, or the plan says that it must not be applied.",
       "Mend what went wrong and plan again.", true},
      {"engine-mismatch", Finding::CRITICAL, kSeems,
       "The plan was made with another program than the one that the target is applied with, or it does not "
       "say "
       "with which.",
       "Plan again with the program that the target names.", true},
      {"declared-mode-contradicted", Finding::HIGH, kSeems,
       "The plan calls itself something else than what its changes are.", kPlanAgain},
      {"sensitivity-added", Finding::HIGH, kSeems,
       "Values were marked sensitive that were not before, or most of what changes is hidden.",
       "Find out what the hidden values are before you approve."},
      {"unknown-after", Finding::HIGH, kSeems,
       "Values that are known now, or that the configuration sets to a constant, will only be known after "
       "apply, so they can become anything. Of a constant, an honest plan hardly ever says so: it may "
       "have been edited to hide the value.",
       "See in the configuration what they are, or are computed from. Plan again where it is a constant."},
      {"plan-incomplete", Finding::WARNING, kSeems,
       "The plan leaves work to another plan: it was targeted, or changes were put off.",
       "Plan without -target, unless the rest is left out on purpose."},
      {"plan-old", Finding::HIGH, kSeems, "The plan is old, says no time, or says one that is yet to come.",
       "Plan again: the world may have changed since."},
      {"checks-failed", Finding::WARNING, kSeems, "Checks or conditions of the configuration do not hold.",
       "Read what they say and mend it."},
  };
}

std::vector<RuleDescription> Access() {
  return {
      {"iam-wildcard", Finding::HIGH, kAccess,
       "Rights are given over everything, or to everybody, or cannot be read before they are given.",
       "Name the actions, the resources and who gets them."},
      {"public-ingress", Finding::HIGH, kAccess, "Something becomes reachable from everywhere.",
       "Name the networks that need it."},
      {"public-bucket", Finding::HIGH, kAccess, "A bucket or the like becomes readable by everybody, or may.",
       "Keep the block of public access, and share through something in front of it."},
  };
}

std::vector<RuleDescription> Commands() {
  return {
      {"destructive-command", Finding::CRITICAL, kCommands,
       "The command deletes, overwrites or stops something.",
       "Make sure that it is meant, and that what it destroys can be brought back."},
      {"unsaved-plan", Finding::CRITICAL, kCommands,
       "The command plans and applies in one go, so that nobody can see beforehand what it does.",
       "Run `terraform plan -out=FILE` and submit that file as a plan.", true},
      {"unread-plan", Finding::CRITICAL, kCommands, "The command applies a saved plan that nobody has read.",
       "Submit the plan itself with `countersign submit --plan FILE`: then it is read, judged and shown.",
       true},
      {"environment-override", Finding::HIGH, kCommands,
       "Variables are set that make programs do something else than their arguments say.",
       "Leave the variables out, or make sure that you know what each of them does."},
      {"opaque-command", Finding::HIGH, kCommands,
       "What the command does cannot be told from its arguments: a shell, an interpreter, a script or a "
       "program "
       "that is not known.",
       "Read what it runs, or submit the commands themselves one by one."},
      {"changing-command", Finding::INFO, kCommands,
       "The command is known to change things without destroying any.", "See that the change is meant."},
  };
}

}  // namespace

const std::vector<RuleDescription>& RuleTable() {
  static const auto* const table = [] {
    auto* rules = new std::vector<RuleDescription>;
    for (const auto& group :
         {State(), Scale(), Irrecoverable(), Mixed(), RunsCode(), Seems(), Access(), Commands()}) {
      rules->insert(rules->end(), group.begin(), group.end());
    }
    return rules;
  }();
  return *table;
}

const RuleDescription* FindRule(std::string_view code) {
  const std::vector<RuleDescription>& table = RuleTable();
  const auto at = std::find_if(table.begin(), table.end(),
                               [code](const RuleDescription& rule) { return rule.code == code; });
  return at == table.end() ? nullptr : &*at;
}

}  // namespace countersign::finding
