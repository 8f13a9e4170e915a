-- Health of a QrngBridge for Argo CD, by its conditions as kstatus reads them.
local health = { status = "Progressing", message = "the operator has not seen it yet" }
local status = obj.status
if status == nil or status.conditions == nil then
  return health
end

local conditions = {}
for _, condition in ipairs(status.conditions) do
  conditions[condition.type] = condition
end
local function is(type, value)
  return conditions[type] ~= nil and conditions[type].status == value
end

if status.observedGeneration ~= obj.metadata.generation then
  health.message = "the operator has not seen the newest spec yet"
elseif is("Stalled", "True") then
  health.status = "Degraded"
  health.message = conditions.Stalled.message
elseif is("Reconciling", "True") then
  health.message = conditions.Reconciling.message
elseif conditions.Reconciling ~= nil and conditions.Reconciling.reason == "Paused" then
  health.status = "Suspended"
  health.message = conditions.Reconciling.message
elseif obj.spec.suspend == true then
  health.status = "Suspended"
  health.message = "spec.suspend is true: no pod runs"
elseif is("Ready", "True") then
  health.status = "Healthy"
  health.message = conditions.Ready.message
elseif conditions.Ready ~= nil then
  health.message = conditions.Ready.message
end
return health
